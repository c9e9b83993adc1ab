//! Frames of a streamed answer on their way to a caller who may read slowly: so many
//! and so many bytes wait, then the provider is read no further.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};

use crate::config::StreamSettings;

/// Where the frames of one answer are put.
#[derive(Debug)]
pub struct Sender {
    frames: mpsc::Sender<Bytes>,
    room: Arc<Room>,
}

/// Where the frames of one answer come out.
#[derive(Debug)]
pub struct Receiver {
    frames: mpsc::Receiver<Bytes>,
    room: Arc<Room>,
}

/// The bytes that may still wait.
#[derive(Debug)]
struct Room {
    bytes: Semaphore,
    most: usize,
}

impl Room {
    /// What a frame takes of it; one that is larger than all takes all.
    fn share(&self, frame: &Bytes) -> u32 {
        u32::try_from(frame.len().min(self.most)).unwrap_or(u32::MAX)
    }
}

/// Both ends of an answer.
#[must_use]
pub fn channel(settings: &StreamSettings) -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::channel(settings.waiting_frames.max(1));
    let most = settings.waiting_bytes.clamp(1, Semaphore::MAX_PERMITS.min(1 << 30));
    let room = Arc::new(Room { bytes: Semaphore::new(most), most });
    (Sender { frames: sender, room: Arc::clone(&room) }, Receiver { frames: receiver, room })
}

impl Sender {
    /// Puts a frame in if there is room for it now.
    ///
    /// # Errors
    /// The frame, and whether there is no room or nobody reads any more.
    pub fn try_send(&self, frame: Bytes) -> Result<(), TrySendError<Bytes>> {
        if self.frames.is_closed() {
            return Err(TrySendError::Closed(frame));
        }
        let share = self.room.share(&frame);
        let Ok(taken) = self.room.bytes.try_acquire_many(share) else { return Err(TrySendError::Full(frame)) };
        // Given back only where it could not be sent.
        self.frames.try_send(frame)?;
        taken.forget();
        Ok(())
    }

    /// Puts a frame in as soon as there is room. False when nobody reads any more.
    pub async fn send(&self, frame: Bytes) -> bool {
        let taken = tokio::select! {
            taken = self.room.bytes.acquire_many(self.room.share(&frame)) => taken,
            () = self.frames.closed() => return false,
        };
        let Ok(taken) = taken else { return false };
        let is_sent = self.frames.send(frame).await.is_ok();
        if is_sent {
            taken.forget();
        }
        is_sent
    }

    /// Returns once nobody reads any more.
    pub async fn closed(&self) {
        self.frames.closed().await;
    }
}

impl Receiver {
    /// The next frame; `None` at the end of the answer.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let frame = self.frames.poll_recv(context);
        if let Poll::Ready(Some(frame)) = &frame {
            self.room.bytes.add_permits(usize::try_from(self.room.share(frame)).unwrap_or(0));
        }
        frame
    }

    /// Nothing more will come, and nothing waits.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.frames.is_closed() && self.frames.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn small(waiting_frames: usize, waiting_bytes: usize) -> (Sender, Receiver) {
        channel(&StreamSettings { waiting_frames, waiting_bytes, ..StreamSettings::default() })
    }

    async fn next(receiver: &mut Receiver) -> Option<Bytes> {
        poll_fn(|context| receiver.poll_recv(context)).await
    }

    #[tokio::test]
    async fn so_many_bytes_wait_and_no_more() {
        let (sender, mut receiver) = small(100, 10);
        sender.try_send(Bytes::from_static(b"sixsix")).unwrap();
        assert!(matches!(sender.try_send(Bytes::from_static(b"fivee")), Err(TrySendError::Full(_))));
        sender.try_send(Bytes::from_static(b"four")).unwrap();
        assert_eq!(next(&mut receiver).await.unwrap(), "sixsix");
        sender.try_send(Bytes::from_static(b"fivee")).unwrap();
    }

    #[tokio::test]
    async fn so_many_frames_wait_and_no_more() {
        let (sender, mut receiver) = small(2, 1_000);
        for _ in 0..2 {
            sender.try_send(Bytes::from_static(b"a")).unwrap();
        }
        assert!(matches!(sender.try_send(Bytes::from_static(b"a")), Err(TrySendError::Full(_))));
        next(&mut receiver).await.unwrap();
        sender.try_send(Bytes::from_static(b"a")).unwrap();
    }

    #[tokio::test]
    async fn a_frame_larger_than_all_room_waits_alone() {
        let (sender, mut receiver) = small(100, 10);
        assert!(sender.send(Bytes::from_static(b"longer than ten bytes")).await);
        assert!(matches!(sender.try_send(Bytes::from_static(b"a")), Err(TrySendError::Full(_))));
        next(&mut receiver).await.unwrap();
        assert!(sender.send(Bytes::from_static(b"again longer than ten")).await);
    }

    #[tokio::test]
    async fn who_waits_for_room_hears_that_nobody_reads() {
        let (sender, receiver) = small(100, 4);
        sender.try_send(Bytes::from_static(b"full")).unwrap();
        let (is_sent, ()) = tokio::join!(sender.send(Bytes::from_static(b"more")), async { drop(receiver) });
        assert!(!is_sent);
        assert!(matches!(sender.try_send(Bytes::from_static(b"x")), Err(TrySendError::Closed(_))));
    }

    #[tokio::test]
    async fn what_was_sent_before_the_end_still_comes_out() {
        let (sender, mut receiver) = small(4, 100);
        sender.try_send(Bytes::from_static(b"last")).unwrap();
        drop(sender);
        assert!(!receiver.is_over());
        assert_eq!(next(&mut receiver).await.unwrap(), "last");
        assert_eq!(next(&mut receiver).await, None);
        assert!(receiver.is_over());
    }
}
