//! How a provider cuts its stream into events. Whatever the cut, the events are
//! the same: a name, which may be empty, and text.

mod event_stream;
mod lines;

use app::types::sse::{self, ServerSentEvent};

/// What separates the events of a streamed answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    ServerSentEvents,
    /// One JSON document per line.
    JsonLines,
    /// `application/vnd.amazon.eventstream`: binary messages with checksums.
    AwsEventStream,
}

/// The stream is not what it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("the provider sent an event larger than this server reads")]
    TooLong,
    #[error("the provider's stream was damaged on its way")]
    Damaged,
}

/// Turns the bytes of one answer into events, however they are cut.
#[derive(Debug)]
pub enum Frames {
    ServerSentEvents(sse::Decoder),
    JsonLines(lines::Lines),
    AwsEventStream(event_stream::Messages),
}

impl Frames {
    /// An event may have `most` bytes.
    #[must_use]
    pub fn new(framing: Framing, most: usize) -> Self {
        match framing {
            Framing::ServerSentEvents => Self::ServerSentEvents(sse::Decoder::new(most)),
            Framing::JsonLines => Self::JsonLines(lines::Lines::new(most)),
            Framing::AwsEventStream => Self::AwsEventStream(event_stream::Messages::new(most)),
        }
    }

    /// Adds bytes and appends every event they complete to `out`.
    ///
    /// # Errors
    /// [`Broken`] when an event is too long or its checksum is wrong.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<ServerSentEvent>) -> Result<(), Broken> {
        match self {
            Self::ServerSentEvents(events) => events.push(bytes, out).map_err(|_| Broken::TooLong),
            Self::JsonLines(lines) => lines.push(bytes, out),
            Self::AwsEventStream(messages) => messages.push(bytes, out),
        }
    }

    /// The connection ended: the last event, if it came without its end.
    ///
    /// # Errors
    /// [`Broken`] as for [`Frames::push`].
    pub fn finish(&mut self, out: &mut Vec<ServerSentEvent>) -> Result<(), Broken> {
        match self {
            Self::ServerSentEvents(events) => events.finish(out).map_err(|_| Broken::TooLong),
            Self::JsonLines(lines) => {
                lines.finish(out);
                Ok(())
            }
            // A message without its end is no message; the dialect notices what is missing.
            Self::AwsEventStream(_) => Ok(()),
        }
    }

    /// Text that came outside events.
    #[must_use]
    pub fn stray_text(&self) -> &str {
        match self {
            Self::ServerSentEvents(events) => events.stray_text(),
            Self::JsonLines(_) | Self::AwsEventStream(_) => "",
        }
    }
}
