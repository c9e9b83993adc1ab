//! The companies: address, credential, connection.

pub mod client;
pub mod credentials;
pub mod hosts;
pub mod media;
pub mod search;
mod service_account;
pub mod signing;
pub mod simulated;
pub mod transport;
