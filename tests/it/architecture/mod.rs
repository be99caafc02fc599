//! The shape of the source.

mod circles;
mod scanner;
mod shape;
