//! The slots for connections over TCP. Any user of this machine can open one, so a connection is
//! unproven until a request on it had a valid signature. When all slots are taken, a new connection
//! takes that of the oldest unproven one, so that connections without credentials cannot keep out
//! those with them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The slots of one server.
#[derive(Debug)]
pub(crate) struct Slots {
    permits: Arc<Semaphore>,
    unproven: Mutex<Unproven>,
}

/// The connections without a valid request so far, the oldest first.
#[derive(Debug, Default)]
struct Unproven {
    next: u64,
    evictions: BTreeMap<u64, oneshot::Sender<()>>,
}

/// The slot of one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct Slot {
    proof: Proof,
    evicted: oneshot::Receiver<()>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Marks a connection as proven. A clone is in the extensions of each of its requests.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    number: u64,
    slots: Arc<Slots>,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(count));
        Arc::new(Self { permits, unproven: Mutex::default() })
    }

    /// No code that runs under this lock can leave the data inconsistent, so a poisoned lock is
    /// used as it is.
    fn unproven(&self) -> MutexGuard<'_, Unproven> {
        self.unproven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot. Waits only while all slots have proven connections.
    pub(crate) async fn take(self: &Arc<Self>) -> Slot {
        if self.permits.available_permits() == 0
            && let Some((_, eviction)) = self.unproven().evictions.pop_first()
        {
            // Sending fails when the connection ends at this moment, which frees its slot too.
            let _ = eviction.send(());
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let (eviction, evicted) = oneshot::channel();
        let mut unproven = self.unproven();
        let number = unproven.next;
        unproven.next += 1;
        unproven.evictions.insert(number, eviction);
        drop(unproven);
        let proof = Proof { number, slots: Arc::clone(self) };
        Slot { proof, evicted, _permit: permit }
    }
}

impl Slot {
    /// Returns the proof for the requests of this connection.
    pub(crate) fn proof(&self) -> Proof {
        self.proof.clone()
    }

    /// Waits until the slot is needed for another connection; for ever once it is proven.
    pub(crate) async fn evicted(&mut self) {
        if (&mut self.evicted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.proof.accept();
    }
}

impl Proof {
    /// Records that a request on this connection had a valid signature.
    pub(crate) fn accept(&self) {
        self.slots.unproven().evictions.remove(&self.number);
    }
}
