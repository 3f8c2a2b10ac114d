//! The progress of a transfer.

/// The callback for the progress of a transfer. It receives the number of bytes moved so far and,
/// if known, the total; both are equal in the last call of a transfer that succeeds.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Send + Sync);

/// Counts the bytes that were moved and reports them to the callback.
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
