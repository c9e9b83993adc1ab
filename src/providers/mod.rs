//! The companies: address, credential, connection.

pub mod client;
