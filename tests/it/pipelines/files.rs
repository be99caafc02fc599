
//! What holds for the files of all pipelines, whatever they do.
