//! From the files of a schema folder to [`syntax::Definitions`], or to all that is wrong with them. Knows nothing of storage or the generated API, except which names it takes.

pub mod syntax;
mod sources;
mod problems;
mod help;
mod document;
mod inherit;
mod convert;
mod checks;

pub use problems::{Problem, Problems};
pub use sources::{Error, Sources, read_folder};

use syntax::Definitions;

/// Reads the definitions: syntax, inheritance, the GraphQL specification, then the rules of our directives.
///
/// A type inherits the fields of the interfaces it implements; it lists its own and those it restates. Among several declarations of one
/// inherited field, that of the more derived interface holds, then that of the interface named first.
///
/// # Errors
///
/// All problems of all files, except that nothing else is looked for where a file is not even syntactically GraphQL or an interface
/// implements itself.
pub fn parse(sources: &Sources) -> Result<Definitions, Problems> {
    let mut problems = Problems::new(sources.root());
    let Some(mut schema) = document::build(sources, &mut problems) else {
        return Err(problems.sorted());
    };
    let places = document::Places::new(&schema);
    document::refuse_unsupported(&schema, &places, &mut problems);
    let Some(inherited) = inherit::complete(&mut schema, &places, &mut problems) else {
        return Err(problems.sorted());
    };
    let definitions = convert::definitions(&schema, &places);
    let declared = convert::declared(&schema, &places);
    document::validate(schema, &places, &mut problems);
    // A line that is not valid GraphQL has no meaning yet: one message for it is enough.
    let ours = checks::check(&definitions, &declared, &inherited);
    problems.extend_where_silent(ours);
    if problems.is_empty() { Ok(definitions) } else { Err(problems.sorted()) }
}

#[cfg(test)]
mod tests;
