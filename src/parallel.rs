//! Parallel iteration, in the order of the items: rayon's, or iteration on one thread without the feature `parallel`.

#[cfg(feature = "parallel")]
pub use rayon::{join, prelude::*};

#[cfg(not(feature = "parallel"))]
pub use sequential::*;

/// Calls two functions, the second on a separate thread, where it may block.
#[cfg(feature = "parallel")]
pub fn join_blocking<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join())
    });
    (one, other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

#[cfg(not(feature = "parallel"))]
mod sequential {
    /// Calls two functions, one after the other.
    pub fn join<A, B>(one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// Calls two functions, one after the other.
    pub fn join_blocking<A, B>(one: impl FnOnce() -> A, other: impl FnOnce() -> B) -> (A, B) {
        (one(), other())
    }

    /// Iteration over items.
    pub trait IntoParallelIterator: IntoIterator + Sized {
        /// Iterates over the items in order.
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoParallelIterator for I {}

    /// Iteration over the items of a slice.
    pub trait ParallelSlice<T> {
        /// Iterates over the items in order.
        fn par_iter(&self) -> std::slice::Iter<'_, T>;

        /// Iterates over runs of items in order.
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
