//! Deletion of blobs that no reader uses.
//!
//! A reader looks an object up and pins its blobs while it holds the gate as a reader; the deleting
//! thread holds the gate as a writer. A blob is retired after its last reference was removed from
//! the index. So when the thread checks it, the blob is either pinned, and is deleted by its last
//! reader, or no new reader can find it.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::{BlobId, Folders};

#[derive(Debug, Default)]
struct PinState {
    readers: usize,
    /// Whether to delete the blob when the last reader has finished.
    delete_when_unpinned: bool,
}

#[derive(Debug, Default)]
struct Pins {
    gate: RwLock<()>,
    pinned: Mutex<HashMap<BlobId, PinState>>,
}

impl Pins {
    /// No code that runs under these locks can leave the data inconsistent, so a poisoned lock is
    /// used as it is.
    fn pinned(&self) -> MutexGuard<'_, HashMap<BlobId, PinState>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Command {
    Delete(Vec<BlobId>),
    NotifyDone(SyncSender<()>),
}

/// A handle to the thread that deletes blobs.
#[derive(Clone, Debug)]
pub(super) struct Reclaimer {
    pins: Arc<Pins>,
    commands: Sender<Command>,
}

impl Reclaimer {
    pub(super) fn start(folders: Arc<Folders>) -> io::Result<Self> {
        let pins = Arc::new(Pins::default());
        let (commands, receiver) = channel();
        let thread_pins = Arc::clone(&pins);
        std::thread::Builder::new()
            .name("embedded-reclaim".into())
            .spawn(move || reclaim(&receiver, &thread_pins, &folders))?;
        Ok(Self { pins, commands })
    }

    pub(super) fn retire(&self, blobs: Vec<BlobId>) {
        if !blobs.is_empty() {
            // Sending fails only when the thread has ended. The next start sweeps these blobs.
            let _ = self.commands.send(Command::Delete(blobs));
        }
    }

    pub(super) fn wait_until_idle(&self, timeout: Duration) {
        let (done, wait) = sync_channel(1);
        if self.commands.send(Command::NotifyDone(done)).is_ok() {
            let _ = wait.recv_timeout(timeout);
        }
    }

    pub(super) fn pin<T, E>(
        &self,
        find: impl FnOnce() -> Result<(T, Vec<BlobId>), E>,
    ) -> Result<(T, PinGuard), E> {
        let _gate = self.pins.gate.read().unwrap_or_else(PoisonError::into_inner);
        let (found, blobs) = find()?;
        let mut pinned = self.pins.pinned();
        for blob in &blobs {
            pinned.entry(*blob).or_default().readers += 1;
        }
        drop(pinned);
        Ok((found, PinGuard { blobs, reclaimer: self.clone() }))
    }
}

/// Prevents its blobs from being deleted until it is dropped.
#[derive(Debug)]
pub(crate) struct PinGuard {
    blobs: Vec<BlobId>,
    reclaimer: Reclaimer,
}

impl Drop for PinGuard {
    fn drop(&mut self) {
        if self.blobs.is_empty() {
            return;
        }
        let mut unpinned = Vec::new();
        let mut pinned = self.reclaimer.pins.pinned();
        for blob in &self.blobs {
            let Some(pin) = pinned.get_mut(blob) else { continue };
            pin.readers -= 1;
            if pin.readers == 0 {
                if pin.delete_when_unpinned {
                    unpinned.push(*blob);
                }
                pinned.remove(blob);
            }
        }
        drop(pinned);
        // The file is deleted by the thread because guards are dropped in async tasks, which must
        // not block.
        self.reclaimer.retire(unpinned);
    }
}

fn reclaim(receiver: &Receiver<Command>, pins: &Pins, folders: &Folders) {
    for command in receiver {
        let mut blobs = match command {
            Command::Delete(blobs) => blobs,
            Command::NotifyDone(done) => {
                let _ = done.send(());
                continue;
            }
        };
        {
            let _gate = pins.gate.write().unwrap_or_else(PoisonError::into_inner);
            let mut pinned = pins.pinned();
            blobs.retain(|blob| match pinned.get_mut(blob) {
                None => true,
                Some(pin) => {
                    pin.delete_when_unpinned = true;
                    false
                }
            });
        }
        for blob in blobs {
            match folders.remove(blob) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%blob, %error, "a blob could not be deleted; the next start sweeps it");
                }
                _ => {}
            }
        }
    }
}
