//! A large stack for the recursion of DataFusion and deltalake.

/// The size of the stack. Memory is used only for the part that is reached; the longest list of
/// [`sql_limits`](crate::sql_limits) reaches a third of it in a debug build.
const BYTES: usize = 64 << 20;

/// Runs a future on a large stack. Changing to it takes some microseconds each time that the future
/// is polled.
pub(crate) async fn on_large_stack<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| with_large_stack(|| future.as_mut().poll(context))).await
}

/// Calls a function on a large stack.
pub(crate) fn with_large_stack<T>(function: impl FnOnce() -> T) -> T {
    stacker::grow(BYTES, function)
}
