//! The companies: address, credential, connection.

pub mod client;
pub mod simulated;
pub mod transport;
