//! Parallel iteration that keeps the order of the items.
//!
//! With the feature `parallel` it is rayon's. Without it, one thread does all work.

#[cfg(feature = "parallel")]
pub(crate) use rayon::{join, prelude::*};

#[cfg(not(feature = "parallel"))]
pub(crate) use sequential::*;

/// Calls two functions, the second on a new thread: it may wait for input without blocking the pool.
#[cfg(feature = "parallel")]
pub(crate) fn join_spawned<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join())
    });
    (one, other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

#[cfg(not(feature = "parallel"))]
mod sequential {
    /// Calls two functions, one after the other.
    pub(crate) fn join<A, B>(one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// Calls two functions, one after the other.
    pub(crate) fn join_spawned<A, B>(one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
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
