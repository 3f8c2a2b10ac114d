//! Work that outlives the call that began it, such as aborting the upload of a cancelled call.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;

/// The number of background tasks that are running in this process. It is global because a task
/// may outlive the connection whose call spawned it.
static RUNNING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Waits until all background work of this process is done, such as removing the parts of a
/// cancelled upload, but no longer than `limit`. To be called before a process ends.
///
/// Returns whether all of it is done.
pub async fn finish_background_work(limit: Duration) -> bool {
    let mut running = RUNNING.subscribe();
    let idle = running.wait_for(|count| *count == 0);
    tokio::time::timeout(limit, idle).await.is_ok()
}

/// Runs `work` to its end on the current runtime; [`finish_background_work`] waits for it.
/// Outside a runtime nothing is spawned, because nothing could run it.
pub fn spawn_background(work: impl Future<Output = ()> + Send + 'static) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let counted = Counted::new();
    runtime.spawn(async move {
        work.await;
        drop(counted);
    });
}

/// Counts one running task until it is dropped, which a panic of the task does too.
struct Counted;

impl Counted {
    fn new() -> Self {
        RUNNING.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        RUNNING.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_running_work_and_no_longer_than_the_limit() {
        assert!(finish_background_work(Duration::ZERO).await);
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        spawn_background(async move {
            let _ = finished.await;
        });
        assert!(!finish_background_work(Duration::from_millis(10)).await);
        finish.send(()).unwrap();
        assert!(finish_background_work(Duration::from_secs(10)).await);
    }
}
