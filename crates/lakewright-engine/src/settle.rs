//! Work that goes on after its call has ended: what was begun is taken back.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;

/// How much of it is under way, in all of this process: a call may outlive its connection.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Waits until everything that ended calls had begun is taken back, such as the parts of an
/// upload that was cancelled, but not longer than `patience`. Worth calling before a process
/// ends; says whether nothing is left.
pub async fn settle(patience: Duration) -> bool {
    let mut under_way = UNDER_WAY.subscribe();
    let settled = under_way.wait_for(|count| *count == 0);
    tokio::time::timeout(patience, settled).await.is_ok()
}

/// Sees `work` to its end on the runtime, as [`settle`] does. Without a runtime nothing can be
/// done any more.
pub(crate) fn afterwards(work: impl Future<Output = ()> + Send + 'static) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let counted = Counted::new();
    runtime.spawn(async move {
        work.await;
        drop(counted);
    });
}

struct Counted;

impl Counted {
    fn new() -> Self {
        UNDER_WAY.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_waits_for_what_is_under_way_and_no_longer_than_told() {
        assert!(settle(Duration::ZERO).await);
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        afterwards(async move {
            let _ = finished.await;
        });
        assert!(!settle(Duration::from_millis(10)).await);
        finish.send(()).unwrap();
        assert!(settle(Duration::from_secs(10)).await);
    }
}
