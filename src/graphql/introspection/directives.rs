//! The directives that documents and the published schema may use.

/// A directive with its one argument.
pub(super) struct Directive {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) locations: &'static [&'static str],
    pub(super) argument: &'static str,
    pub(super) argument_description: &'static str,
    pub(super) argument_type: &'static str,
    pub(super) is_required: bool,
    pub(super) default: Option<&'static str>,
}

const SELECTIONS: &[&str] = &["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"];

/// The standard directives (GraphQL specification, section 3.13).
pub(super) const DIRECTIVES: &[Directive] = &[
    Directive {
        name: "include",
        description: "Answers this field or fragment only when the argument is true.",
        locations: SELECTIONS,
        argument: "if",
        argument_description: "Included when true.",
        argument_type: "Boolean",
        is_required: true,
        default: None,
    },
    Directive {
        name: "skip",
        description: "Leaves this field or fragment out when the argument is true.",
        locations: SELECTIONS,
        argument: "if",
        argument_description: "Left out when true.",
        argument_type: "Boolean",
        is_required: true,
        default: None,
    },
    Directive {
        name: "deprecated",
        description: "Marks an element of the schema that is going to be removed.",
        locations: &["FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_FIELD_DEFINITION", "ENUM_VALUE"],
        argument: "reason",
        argument_description: "Why, and what to use in its place, in Markdown.",
        argument_type: "String",
        is_required: false,
        default: Some("\"No longer supported\""),
    },
    Directive {
        name: "specifiedBy",
        description: "Names the specification of a scalar.",
        locations: &["SCALAR"],
        argument: "url",
        argument_description: "The URL of the specification.",
        argument_type: "String",
        is_required: true,
        default: None,
    },
];
