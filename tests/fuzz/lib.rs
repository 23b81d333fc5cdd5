//! The properties as a library for the fuzz targets.

#[path = "../answers/invariant.rs"]
mod invariant;
#[path = "../answers/served.rs"]
mod served;

mod properties;

/// Panics unless the property of this name holds for an input.
pub fn holds(property: &str, input: &[u8]) {
    let mut targets = properties::TARGETS.iter();
    let target = targets.find(|target| target.name == property).expect("a property of the list");
    (target.holds)(input);
}
