//! A queue between a thread that reads and one that works, bounded by bytes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time to wait for more items after the first one. A batch of several items costs less for each of them.
const GATHERING: Duration = Duration::from_millis(1);

/// Items that are enough for a batch.
const ENOUGH: usize = 64;

/// A queue of items with their bytes.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    most: Most,
}

/// The limits of a queue. An item that exceeds them by itself is alone in the queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    /// Items.
    pub items: usize,
    /// Bytes of all items.
    pub bytes: usize,
}

struct State<T> {
    items: VecDeque<T>,
    bytes: usize,
    is_closed: bool,
}

/// Closes a queue when it is dropped, so that no side waits for one that has ended.
pub(super) struct Closing<'q, T>(pub &'q Queue<T>);

impl<T> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl<T> Queue<T> {
    pub(super) fn new(most: Most) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), most }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, and waits while the queue is full. Returns whether the queue is open.
    pub(super) fn push(&self, item: T, bytes: usize) -> bool {
        let is_full = |state: &mut State<T>| {
            let is_over = state.items.len() >= self.most.items || state.bytes.saturating_add(bytes) > self.most.bytes;
            is_over && !state.items.is_empty() && !state.is_closed
        };
        let waited = self.changed.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return false;
        }
        state.items.push_back(item);
        state.bytes = state.bytes.saturating_add(bytes);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Takes all items: waits for the first one, and a moment for those that follow. Returns none at the end.
    pub(super) fn take(&self) -> Vec<T> {
        let is_empty = |state: &mut State<T>| state.items.is_empty() && !state.is_closed;
        let state = self.changed.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let is_small = |state: &mut State<T>| {
            state.items.len() < ENOUGH.min(self.most.items) && state.bytes < self.most.bytes && !state.is_closed
        };
        let waited = self.changed.wait_timeout_while(state, GATHERING, is_small);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        let items = state.items.drain(..).collect();
        drop(state);
        self.changed.notify_all();
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_in_order_and_the_queue_is_bounded() {
        let queue = Queue::new(Most { items: 3, bytes: 100 });
        let taken = std::thread::scope(|scope| {
            scope.spawn(|| {
                let _closing = Closing(&queue);
                // An item that is too large for the queue is alone in it.
                (0..20).for_each(|item| assert!(queue.push(item, if item == 7 { 1_000 } else { 10 })));
            });
            std::iter::from_fn(|| Some(queue.take()).filter(|items| !items.is_empty())).collect::<Vec<_>>()
        });
        assert!(taken.iter().all(|items| items.len() <= 3), "{taken:?}");
        assert!(taken.iter().all(|items| items.len() == 1 || !items.contains(&7)), "{taken:?}");
        assert_eq!(taken.concat(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_queue_stops_the_thread_that_adds() {
        let queue = Queue::new(Most { items: 1, bytes: 1 });
        let added = std::thread::scope(|scope| {
            let adding = scope.spawn(|| (0..).take_while(|item| queue.push(*item, 1)).count());
            assert_eq!(queue.take(), [0]);
            drop(Closing(&queue));
            adding.join().expect("it ends")
        });
        assert!(added <= 2, "{added}");
    }
}
