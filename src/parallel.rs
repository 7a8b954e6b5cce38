//! Parallel iteration that keeps the order of the items, and a thread that reads ahead.
//!
//! With the feature `parallel` the iteration is rayon's. Without it, one thread does all work.

#[cfg(feature = "parallel")]
mod queue;

use std::ops::Range;

/// Chunks that each thread computes before their values are consumed. With many, the threads end at about the same time although a
/// chunk may take longer than another one.
#[cfg(feature = "parallel")]
const CHUNKS_AT_ONCE: usize = 16;

#[cfg(feature = "parallel")]
pub(crate) use queue::Most;
#[cfg(feature = "parallel")]
pub(crate) use rayon::{join, prelude::*};

#[cfg(not(feature = "parallel"))]
pub(crate) use sequential::*;

/// Maps the items of a list, in order. One item is mapped on this thread, without a task.
pub(crate) fn map_each<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    match items {
        [only] => vec![map(only)],
        _ => items.par_iter().map(map).collect(),
    }
}

/// Computes values of chunks of the numbers below `count`, several at a time, and passes the values to a consumer in order.
/// The consumer runs on this thread while the next values are computed.
///
/// # Errors
/// The first error of the consumer, which ends the computation.
#[cfg(feature = "parallel")]
pub(crate) fn in_chunks<T: Send, E>(
    count: usize,
    size: usize,
    compute: impl Fn(Range<usize>) -> T + Sync,
    mut consume: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let chunks = chunks(count, size);
    let at_once = CHUNKS_AT_ONCE * rayon::current_num_threads();
    let mut ready: Vec<T> = Vec::new();
    for chunks in chunks.chunks(at_once) {
        let mut next = Vec::new();
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| next = chunks.par_iter().map(|chunk| compute(chunk.clone())).collect());
            ready.drain(..).try_for_each(&mut consume)
        })?;
        ready = next;
    }
    ready.into_iter().try_for_each(consume)
}

/// Tasks that run while the function that starts them goes on.
#[cfg(feature = "parallel")]
pub(crate) struct Tasks<'t, 'e>(&'t rayon::Scope<'e>);

#[cfg(feature = "parallel")]
impl<'e> Tasks<'_, 'e> {
    /// Starts a task.
    pub(crate) fn start(&self, task: impl FnOnce() + Send + 'e) {
        self.0.spawn(|_| task());
    }

    /// Returns the number of threads besides the one of the function.
    pub(crate) fn other_threads() -> usize {
        rayon::current_num_threads().saturating_sub(1)
    }
}

/// Calls a function that starts tasks. Returns when the tasks have ended too.
#[cfg(feature = "parallel")]
pub(crate) fn with_tasks<'e, R: Send>(run: impl FnOnce(&Tasks<'_, 'e>) -> R + Send) -> R {
    rayon::scope(|scope| run(&Tasks(scope)))
}

/// Returns the numbers below `count` in chunks.
fn chunks(count: usize, size: usize) -> Vec<Range<usize>> {
    (0..count).step_by(size).map(|start| start..start.saturating_add(size).min(count)).collect()
}

/// Produces items on a new thread, which may wait for input without blocking the pool, and passes them to a consumer.
/// `produce` returns an item with its bytes. The consumer calls its argument for the next batch, which is empty at the end.
#[cfg(feature = "parallel")]
pub(crate) fn read_ahead<T: Send, R>(
    most: Most,
    mut produce: impl FnMut() -> Option<(T, usize)> + Send,
    consume: impl FnOnce(&mut dyn FnMut() -> Vec<T>) -> R,
) -> R {
    let queue = queue::Queue::new(most);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _closing = queue::Closing(&queue);
            while let Some((item, bytes)) = produce() {
                if !queue.push(item, bytes) {
                    break;
                }
            }
        });
        let _closing = queue::Closing(&queue);
        consume(&mut || queue.take())
    })
}

#[cfg(not(feature = "parallel"))]
mod sequential {
    use std::marker::PhantomData;
    use std::ops::Range;

    /// Computes values of chunks of the numbers below `count`, and passes each to a consumer, in order.
    ///
    /// # Errors
    /// The first error of the consumer, which ends the computation.
    pub(crate) fn in_chunks<T, E>(
        count: usize,
        size: usize,
        compute: impl Fn(Range<usize>) -> T,
        consume: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        super::chunks(count, size).into_iter().map(compute).try_for_each(consume)
    }

    /// Calls two functions, one after the other.
    pub(crate) fn join<A, B>(one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// Tasks, each of which runs when it is started.
    pub(crate) struct Tasks<'t, 'e>(PhantomData<(&'t (), fn(&'e ()))>);

    impl<'e> Tasks<'_, 'e> {
        /// Runs a task.
        pub(crate) fn start(&self, task: impl FnOnce() + 'e) {
            task();
        }

        /// Returns the number of threads besides this one.
        pub(crate) fn other_threads() -> usize {
            0
        }
    }

    /// Calls a function that starts tasks.
    pub(crate) fn with_tasks<'e, R>(run: impl FnOnce(&Tasks<'_, 'e>) -> R) -> R {
        run(&Tasks(PhantomData))
    }

    /// The limits of a batch. Without threads it has one item.
    #[derive(Debug, Clone, Copy)]
    #[expect(dead_code, reason = "nothing is read ahead")]
    pub(crate) struct Most {
        pub items: usize,
        pub bytes: usize,
    }

    /// Passes items to a consumer, one at a time.
    pub(crate) fn read_ahead<T, R>(
        _: Most,
        mut produce: impl FnMut() -> Option<(T, usize)>,
        consume: impl FnOnce(&mut dyn FnMut() -> Vec<T>) -> R,
    ) -> R {
        consume(&mut || produce().into_iter().map(|(item, _)| item).collect())
    }

    /// A collection with an iterator over its items.
    pub(crate) trait IntoParallelIterator: IntoIterator + Sized {
        /// Returns an iterator over the items in order.
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoParallelIterator for I {}

    /// A slice with iterators over its items.
    pub(crate) trait ParallelSlice<T> {
        /// Returns an iterator over the items in order.
        fn par_iter(&self) -> std::slice::Iter<'_, T>;

        /// Returns an iterator over chunks of items in order.
        fn par_chunks(&self, size: usize) -> std::slice::Chunks<'_, T>;
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_iter(&self) -> std::slice::Iter<'_, T> {
            self.iter()
        }

        fn par_chunks(&self, size: usize) -> std::slice::Chunks<'_, T> {
            self.chunks(size)
        }
    }
}
