//! The C interface of Demikernel, exported from a library of its own.

pub use ::demikernel::demikernel::bindings::*;
