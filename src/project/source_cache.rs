//! Sources that a loader hands out again while their text stays the same.

use crate::source::Source;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Sources by place. A source that a load does not ask for is dropped.
#[derive(Debug)]
pub(super) struct SourceCache<K> {
    /// Sources that this load has asked for.
    current: HashMap<K, Arc<Source>>,
    /// The other sources of the load before.
    earlier: HashMap<K, Arc<Source>>,
}

impl<K> Default for SourceCache<K> {
    fn default() -> Self {
        Self { current: HashMap::new(), earlier: HashMap::new() }
    }
}

impl<K: Hash + Eq> SourceCache<K> {
    /// Starts a new load.
    pub(super) fn age(&mut self) {
        self.earlier = std::mem::take(&mut self.current);
    }

    /// Drops the sources that no load since [`SourceCache::age`] has asked for.
    pub(super) fn forget(&mut self) {
        self.earlier = HashMap::new();
    }

    /// Returns the source at a place, if there is one and it is still the same.
    pub(super) fn get<Q>(&mut self, place: &Q, same: impl Fn(&Arc<Source>) -> bool) -> Option<Arc<Source>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some((place, source)) = self.earlier.remove_entry(place) {
            self.current.insert(place, source);
        }
        self.current.get(place).filter(|source| same(source)).cloned()
    }

    /// Remembers the source at a place.
    pub(super) fn insert(&mut self, place: K, source: Arc<Source>) {
        self.current.insert(place, source);
    }
}
