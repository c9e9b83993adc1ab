//! stub
use std::net::SocketAddr;
use std::time::Duration;
#[derive(Default)]
pub struct SimulatorOptions {
    pub pace: Duration,
}
pub struct Handle {
    pub addr: SocketAddr,
}
pub fn spawn(l: tokio::net::TcpListener, _o: SimulatorOptions) -> std::io::Result<Handle> {
    Ok(Handle { addr: l.local_addr()? })
}
