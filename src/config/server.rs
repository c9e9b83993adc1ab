//! Settings of connections: those of callers, of providers and of the database.

use serde::{Deserialize, Serialize};

/// How callers' connections are kept. Times in ms; source of the defaults: the
/// resilience table of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    pub connections: u32,
    /// From one address, or one /64 network of the sixth version; 0 is no limit.
    pub connections_per_address: u32,
    pub headers: usize,
    pub header_ms: u64,
    pub keep_alive_ms: u64,
    pub body_ms: u64,
    /// Before the rate counts.
    pub body_start_ms: u64,
    /// 0 is any.
    pub body_bytes_per_second: u64,
    pub h2_streams: u32,
    /// Streams a caller may have reset before they were served, and ones reset for its mistakes.
    pub h2_resets: usize,
    pub h2_mistakes: usize,
    pub h2_header_bytes: u32,
    pub h2_stream_window_bytes: u32,
    pub h2_window_bytes: u32,
    pub h2_ping_ms: u64,
    pub h2_ping_timeout_ms: u64,
    pub unready_ms: u64,
}

/// How answers are passed on. Times in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamSettings {
    pub head_ms: u64,
    /// Before the first frame, and between two.
    pub comment_ms: u64,
    pub idle_comment_ms: u64,
    pub event_bytes: usize,
    pub answer_bytes: usize,
    pub waiting_frames: usize,
    pub waiting_bytes: usize,
    pub write_stall_ms: u64,
    pub unread_ms: u64,
    pub unread_answers: usize,
}

/// How connections to providers are kept. Times in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamSettings {
    pub pool_idle_ms: u64,
    pub pool_idle_per_host: usize,
    pub ping_ms: u64,
    pub ping_timeout_ms: u64,
}

/// How the database is used. Times in ms; those of statements are PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// 0: 4 on SQLite, 12 on PostgreSQL.
    pub connections: u32,
    pub acquire_ms: u64,
    pub statement_ms: u64,
    pub lock_ms: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 256,
            headers: 100,
            header_ms: 10_000,
            keep_alive_ms: 75_000,
            body_ms: 60_000,
            body_start_ms: 5_000,
            body_bytes_per_second: 16 << 10,
            h2_streams: 128,
            h2_resets: 20,
            h2_mistakes: 1_024,
            h2_header_bytes: 16 << 10,
            h2_stream_window_bytes: 64 << 10,
            h2_window_bytes: 1 << 20,
            h2_ping_ms: 20_000,
            h2_ping_timeout_ms: 10_000,
            unready_ms: 5_000,
        }
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            head_ms: 5_000,
            comment_ms: 10_000,
            idle_comment_ms: 15_000,
            // A picture of 4096 x 4096 pixels comes as one event.
            event_bytes: 32 << 20,
            answer_bytes: 64 << 20,
            waiting_frames: 256,
            waiting_bytes: 256 << 10,
            write_stall_ms: 30_000,
            unread_ms: 120_000,
            unread_answers: 512,
        }
    }
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self { pool_idle_ms: 60_000, pool_idle_per_host: 256, ping_ms: 20_000, ping_timeout_ms: 10_000 }
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { connections: 0, acquire_ms: 5_000, statement_ms: 10_000, lock_ms: 5_000 }
    }
}

impl ServerSettings {
    /// The first setting no server could run with, and why.
    pub(super) const fn wrong(&self) -> Option<(&'static str, &'static str)> {
        if self.connections == 0 {
            return Some(("server.connections", "must be at least 1"));
        }
        if self.headers < 16 {
            return Some(("server.headers", "must be at least 16: browsers send that many"));
        }
        if self.h2_stream_window_bytes == 0 || self.h2_stream_window_bytes > 0x7FFF_FFFF {
            return Some(("server.h2_stream_window_bytes", "must be between 1 and 2147483647"));
        }
        // What a connection begins with, by RFC 9113; it can only be made larger.
        if self.h2_window_bytes < 65_535 || self.h2_window_bytes > 0x7FFF_FFFF {
            return Some(("server.h2_window_bytes", "must be between 65535 and 2147483647"));
        }
        None
    }
}

impl StreamSettings {
    /// The first setting no stream could pass with, and why.
    pub(super) const fn wrong(&self) -> Option<(&'static str, &'static str)> {
        if self.waiting_frames == 0 {
            return Some(("streams.waiting_frames", "must be at least 1"));
        }
        if self.waiting_bytes == 0 {
            return Some(("streams.waiting_bytes", "must be at least 1"));
        }
        if self.comment_ms == 0 {
            return Some(("streams.comment_ms", "must be at least 1"));
        }
        if self.idle_comment_ms == 0 {
            return Some(("streams.idle_comment_ms", "must be at least 1"));
        }
        None
    }
}
