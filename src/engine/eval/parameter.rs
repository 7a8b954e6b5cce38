//! Parameters: the values of the run, and those that the account sets in its snapshot.

use super::{Evaluator, Request};
use crate::parameters::ParameterValue;
use crate::schema::SlotId;
use crate::snapshot::State;
use crate::value::{EntityRef, Value};

/// The value of a parameter in an evaluation.
#[derive(Debug, Clone)]
pub(in super::super) struct BoundParameter {
    /// The value; `None` is not set, invalid, or unknown.
    pub(in super::super) value: Option<Value>,
    /// Whether it has a value; `None` is unknown.
    pub(in super::super) is_set: Option<bool>,
    /// Whether the snapshot determines the value, known or not.
    pub(in super::super) of_account: bool,
}

impl BoundParameter {
    const UNKNOWN: Self = Self { value: None, is_set: None, of_account: false };

    fn of_run(value: Option<&Value>) -> Self {
        Self { value: value.cloned(), is_set: Some(value.is_some()), of_account: false }
    }

    /// Returns whether the parameter may have a value that is not known.
    pub(in super::super) fn is_unknown(&self) -> bool {
        self.value.is_none() && self.is_set != Some(false)
    }
}

impl Evaluator<'_> {
    /// Returns the slot of the root that determines the value of a parameter, if the snapshot does.
    pub fn account_slot(&self, parameter: usize) -> Option<SlotId> {
        let bound = self.bound.parameters.get(parameter).filter(|bound| bound.of_account);
        bound.and(self.model.parameters.get(parameter)?.slot)
    }

    /// Returns whether a setting of the run gives a parameter an invalid value.
    pub(in super::super) fn is_invalid(&self, parameter: usize) -> bool {
        self.bound.parameters.get(parameter).is_some_and(|bound| bound.is_unknown() && !bound.of_account)
    }

    /// Returns the value in a slot of the root, if it is known.
    pub fn account_value(&self, slot: SlotId) -> Option<Value> {
        self.slot_value(self.root(), slot)
    }

    /// Returns the value in a slot of an entity, if it is known.
    pub(in super::super) fn slot_value(&self, entity: EntityRef, slot: SlotId) -> Option<Value> {
        let request = Request { principal: self.root(), resource: self.root(), uncaptured_in: None };
        Some(self.slot(entity, entity.ty, slot, &request).operand()?.to_value())
    }

    /// Returns whether the value in a slot of an instance is unknown.
    pub fn is_unknown(&self, entity: EntityRef, slot: SlotId) -> bool {
        !self.is_absent(entity, slot) && self.slot_value(entity, slot).is_none()
    }

    /// Returns whether the value in a slot of an instance is absent.
    pub(in super::super) fn is_absent(&self, entity: EntityRef, slot: SlotId) -> bool {
        self.column(entity.ty, slot).states.get(entity.row as usize) == Some(&State::Absent)
    }

    /// Returns the value of a parameter; `set` is the value that the run sets.
    ///
    /// An invalid value is unknown: neither the account's value nor the default replaces it. A value of the account that
    /// cannot be equal to the folded values that policies compare it with is unknown, too.
    pub(in super::super) fn bound(&self, at: usize, set: &ParameterValue) -> BoundParameter {
        match set {
            ParameterValue::Valid(value) => return BoundParameter::of_run(Some(value)),
            ParameterValue::Invalid => return BoundParameter::UNKNOWN,
            ParameterValue::NotSet => {}
        }
        let parameter = self.model.parameters.get(at);
        let Some((parameter, slot)) = parameter.and_then(|parameter| Some((parameter, parameter.slot?))) else {
            return BoundParameter::of_run(None);
        };
        match self.column(self.model.root, slot).states.first() {
            Some(State::Absent) => BoundParameter::of_run(parameter.default.as_ref()),
            Some(State::Known) => {
                let value = self.account_value(slot);
                let value = value.filter(|value| self.program.unfolded(self.model, at, value).is_none());
                BoundParameter { is_set: value.as_ref().map(|_| true), value, of_account: true }
            }
            _ => BoundParameter { of_account: true, ..BoundParameter::UNKNOWN },
        }
    }
}
