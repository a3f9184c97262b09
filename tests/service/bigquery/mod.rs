//! The BigQuery client, with a scripted server.

mod authentication;
mod job_metric;
mod library_faults;
mod request;
mod retries;
mod rows;
mod timeout;
