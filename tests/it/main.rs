//! Promises of the whole program, one module for each capability.
mod support;
mod scratch;
