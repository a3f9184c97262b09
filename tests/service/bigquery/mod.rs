//! The client of BigQuery, against a scripted one.

mod authentication;
mod job_metric;
mod library_faults;
mod request;
mod retries;
mod rows;
mod timeout;
