//! Exports of an account to a snapshot.
//!
//! This module does not know any vendor: a pack describes its sources as data. It takes texts and does not read files.

pub mod description;
pub mod node;
pub mod secrets;
pub mod saml;
pub mod scim;
mod layout;
pub mod template;
pub mod status;
