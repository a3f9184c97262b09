//! The part of a deployment that runs on the host, and decides.
//!
//! A request arrives through [`connect`] at [`serve`], which verifies the release, records it ([`records`]), and
//! receives its store paths ([`store`]). A deployment is one transient unit ([`lock`]): [`forward`] is its main
//! process, [`back`] runs however that ended, and [`recover`] repairs if `back` was killed too. These three see the
//! machine only through the trait [`world::World`], so that the tests can make each of its steps fail.

pub mod activation;
pub mod back;
pub mod connect;
pub mod forward;
pub mod gates;
pub mod generations;
pub mod local;
pub mod lock;
pub mod names;
pub mod offers;
pub mod places;
pub mod preflight;
pub mod real;
pub mod receive;
pub mod records;
pub mod recover;
pub mod references;
pub mod requests;
pub mod secrets;
pub mod serve;
pub mod store;
pub mod units;
pub mod world;
