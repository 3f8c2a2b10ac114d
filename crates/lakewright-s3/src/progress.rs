//! How far a transfer is, told to whoever asked.

/// Told how many bytes have been moved so far, and how many there are in all where that is
/// known. The last call of a transfer that succeeds has both the same.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// Adds up what was moved.
pub(super) struct Moved<'a> {
    done: u64,
    total: Option<u64>,
    callback: Progress<'a>,
}

impl<'a> Moved<'a> {
    pub(super) fn of(total: Option<u64>, callback: Progress<'a>) -> Self {
        callback(0, total);
        Self { done: 0, total, callback }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        (self.callback)(self.done, self.total);
    }

    pub(super) fn done(&self) -> u64 {
        self.done
    }
}
