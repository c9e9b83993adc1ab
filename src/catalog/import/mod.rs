//! Reads lists of models and turns them into changes of the catalog.

mod families;
pub mod names;
