//! Deleting blobs, but never one that somebody is reading.
//!
//! A reader looks an object up and pins its blobs behind the gate, as a reader of a lock; the
//! thread that deletes passes the gate as its writer. So a blob that was retired after its last
//! mention in the index went away is either pinned when the thread looks, and is left to the
//! last reader to delete, or can no longer be found by anybody.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::{BlobId, Paths};

#[derive(Debug, Default)]
struct Pin {
    readers: usize,
    /// To be deleted when the last reader is done.
    doomed: bool,
}

#[derive(Debug, Default)]
struct Pins {
    gate: RwLock<()>,
    pinned: Mutex<HashMap<BlobId, Pin>>,
}

impl Pins {
    /// Nothing that runs under these locks can leave the data half changed, so a panic of
    /// another thread is no reason to stop.
    fn pinned(&self) -> MutexGuard<'_, HashMap<BlobId, Pin>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Command {
    Delete(Vec<BlobId>),
    Report(SyncSender<()>),
}

/// A handle of the thread that deletes.
#[derive(Clone, Debug)]
pub(super) struct Reclaimer {
    pins: Arc<Pins>,
    commands: Sender<Command>,
}

impl Reclaimer {
    pub(super) fn start(paths: Arc<Paths>) -> io::Result<Self> {
        let pins = Arc::new(Pins::default());
        let (commands, inbox) = channel();
        let theirs = Arc::clone(&pins);
        std::thread::Builder::new()
            .name("embedded-reclaim".into())
            .spawn(move || reclaim(&inbox, &theirs, &paths))?;
        Ok(Self { pins, commands })
    }

    pub(super) fn retire(&self, blobs: Vec<BlobId>) {
        if !blobs.is_empty() {
            // Fails only when the thread is gone; then the next start sweeps.
            let _ = self.commands.send(Command::Delete(blobs));
        }
    }

    pub(super) fn settle(&self, timeout: Duration) {
        let (done, wait) = sync_channel(1);
        if self.commands.send(Command::Report(done)).is_ok() {
            let _ = wait.recv_timeout(timeout);
        }
    }

    pub(super) fn lease<T, E>(
        &self,
        look_up: impl FnOnce() -> Result<(T, Vec<BlobId>), E>,
    ) -> Result<(T, Lease), E> {
        let _gate = self.pins.gate.read().unwrap_or_else(PoisonError::into_inner);
        let (found, blobs) = look_up()?;
        let mut pinned = self.pins.pinned();
        for blob in &blobs {
            pinned.entry(*blob).or_default().readers += 1;
        }
        drop(pinned);
        Ok((found, Lease { blobs, reclaimer: self.clone() }))
    }
}

/// As long as it lives, its blobs are there.
#[derive(Debug)]
pub(crate) struct Lease {
    blobs: Vec<BlobId>,
    reclaimer: Reclaimer,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.blobs.is_empty() {
            return;
        }
        let mut orphaned = Vec::new();
        let mut pinned = self.reclaimer.pins.pinned();
        for blob in &self.blobs {
            let Some(pin) = pinned.get_mut(blob) else { continue };
            pin.readers -= 1;
            if pin.readers == 0 {
                if pin.doomed {
                    orphaned.push(*blob);
                }
                pinned.remove(blob);
            }
        }
        drop(pinned);
        // The thread does it: a lease ends where the last byte was sent, among async tasks.
        self.reclaimer.retire(orphaned);
    }
}

fn reclaim(inbox: &Receiver<Command>, pins: &Pins, paths: &Paths) {
    for command in inbox {
        let mut blobs = match command {
            Command::Delete(blobs) => blobs,
            Command::Report(done) => {
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
                    pin.doomed = true;
                    false
                }
            });
        }
        for blob in blobs {
            match fs::remove_file(paths.blob(blob)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%blob, %error, "a blob could not be deleted; the next start sweeps it");
                }
                _ => {}
            }
        }
    }
}
