//! What is written down: files, schemas, examples and documents, as this version has them and as others read them.

mod documents;
mod examples;
mod mistakes;
mod schemas;
mod yaml_parsers;
