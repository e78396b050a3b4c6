//! What to change, for the messages of apollo-compiler. Knows nothing but their wording.

/// What to change, by a part of the message of apollo-compiler 1.33 (`validation/diagnostics.rs`, `schema/mod.rs`); the first that fits.
const HELP: [(&str, &str); 27] = [
    (
        "syntax error",
        "correct the text; the parts of a schema file are `type`, `interface`, `enum`, `input` and `scalar`",
    ),
    ("cannot find type", "correct the name, or declare the type in a file of the schema folder"),
    (
        "cannot find directive",
        "use one of @relation, @id, @index, @url, @computed, @timestamp, @matches, @search, @resolver, @deprecated, @specifiedBy",
    ),
    (
        "the type `",
        "rename or remove one of the definitions; Date, DateTime and the types of the directives are built in",
    ),
    ("built-in scalar", "remove the definition; String, Int, Float, Boolean, ID, Date and DateTime are built in"),
    ("the directive `", "remove the definition; our directives are built in"),
    ("can only be used once", "keep one of them"),
    ("is not supported for", "move it to a field, or remove it"),
    ("is not a proper subtype", "give both the same type, or the type that restates the field a narrower one"),
    ("it must also implement", "add the missing interface to the `implements` list"),
    ("more than once", "name the interface once"),
    ("duplicate definitions", "keep one of them"),
    ("the required argument", "add the argument"),
    ("the argument `", "remove the argument or correct its name"),
    ("value `", "use a value that the enumeration has"),
    ("expected value of type", "write a value of that type"),
    ("a schema document must not contain", "keep queries and fragments out of the schema folder"),
    ("type extension for undefined type", "declare the type, or write `type` instead of `extend type`"),
    ("schema extension", "remove it; the operation roots are called Query, Mutation and Subscription"),
    ("cannot be named", "rename it; names that start with `__` belong to the specification"),
    ("has no enum values", "add a value, or remove the enumeration"),
    ("has no fields", "add a field, or remove the type"),
    ("has no input values", "add a field, or remove the input"),
    ("input object cannot reference itself", "remove a `!` on the way around, or nobody can write a value"),
    (
        "must return an output type",
        "use a type, an interface, an enumeration or a scalar; an input is for arguments only",
    ),
    ("must be of an input type", "use an input, an enumeration or a scalar; types and interfaces are for results only"),
    ("adding ", "extend it as what it is"),
];
const HELP_OTHERWISE: &str = "correct the definition; see the GraphQL specification, section Type System";

/// What to change, for a message of apollo-compiler.
pub(super) fn help_for(message: &str) -> &'static str {
    let found = HELP.iter().find(|(part, _)| message.contains(part));
    found.map_or(HELP_OTHERWISE, |(_, help)| help)
}
