//! How many connections each address has open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::Mutex;

use crate::http::address::household;

/// Counts connections by address, or by /64 network of the sixth version.
#[derive(Debug)]
pub(super) struct Doors {
    open: Arc<Mutex<HashMap<String, u32>>>,
    /// From one address; 0 is no limit.
    most: u32,
    /// Proxies: behind them are many.
    trusted: Vec<IpNet>,
}

/// One connection; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Entered {
    open: Arc<Mutex<HashMap<String, u32>>>,
    household: String,
}

impl Doors {
    pub(super) fn new(most: u32, trusted: &[IpNet]) -> Self {
        Self { open: Arc::default(), most, trusted: trusted.to_vec() }
    }

    /// A place for a connection, or an error when its address has enough of them.
    /// `None` where nobody counts: this machine's own connections and its proxies'.
    pub(super) fn enter(&self, peer: IpAddr) -> Result<Option<Entered>, TooMany> {
        let peer = peer.to_canonical();
        if self.most == 0 || peer.is_loopback() || self.trusted.iter().any(|network| network.contains(&peer)) {
            return Ok(None);
        }
        let household = household(peer);
        let mut open = self.open.lock();
        let count = open.entry(household.clone()).or_default();
        if *count >= self.most {
            return Err(TooMany);
        }
        *count += 1;
        drop(open);
        Ok(Some(Entered { open: Arc::clone(&self.open), household }))
    }
}

/// The address has as many connections open as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Drop for Entered {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        if let Some(count) = open.get_mut(&self.household) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.household);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_connections_and_no_more_until_one_is_closed() {
        let doors = Doors::new(2, &[]);
        let first = doors.enter(address("203.0.113.7")).unwrap();
        let _second = doors.enter(address("203.0.113.7")).unwrap();
        assert_eq!(doors.enter(address("203.0.113.7")).unwrap_err(), TooMany);
        assert!(doors.enter(address("203.0.113.8")).unwrap().is_some(), "others are not meant");
        drop(first);
        assert!(doors.enter(address("203.0.113.7")).is_ok());
        assert_eq!(doors.open.lock().len(), 1, "who has none left is forgotten");
    }

    #[test]
    fn a_network_of_the_sixth_version_counts_as_one() {
        let doors = Doors::new(1, &[]);
        let _first = doors.enter(address("2001:db8::1")).unwrap();
        assert_eq!(doors.enter(address("2001:db8::2")).unwrap_err(), TooMany);
        assert!(doors.enter(address("2001:db8:0:1::1")).is_ok());
        let _mapped = doors.enter(address("::ffff:203.0.113.7")).unwrap();
        assert_eq!(doors.enter(address("203.0.113.7")).unwrap_err(), TooMany, "one address, however it is written");
    }

    #[test]
    fn proxies_and_this_machine_are_not_counted() {
        let doors = Doors::new(1, &["192.0.2.0/24".parse().unwrap()]);
        for peer in ["192.0.2.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            for _ in 0..3 {
                assert!(doors.enter(address(peer)).unwrap().is_none(), "{peer}");
            }
        }
        assert!(Doors::new(0, &[]).enter(address("203.0.113.7")).unwrap().is_none());
    }
}
