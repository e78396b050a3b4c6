//! Rules for the directives of a property. Knows one field at a time.

use crate::sdl::problems::Problems;
use crate::sdl::syntax::{FieldDefinition, SearchDirective};

/// Checks a field of a node whose type is a scalar or an enumeration; `path` is `Type.field`.
pub(super) fn check(path: &str, field: &FieldDefinition, problems: &mut Problems) {
    let mut refuse = |is_wrong: bool, message: &str, help: &str| {
        if is_wrong {
            problems.add(&field.location, format!("{message} `{path}` of type `{}`", field.ty), help);
        }
    };
    let directives = &field.directives;
    let (named, is_list) = (field.ty.named(), field.ty.is_list());
    refuse(
        directives.relation.is_some(),
        "`@relation` on the property",
        "remove it, or relate to a type or an interface",
    );
    refuse(directives.id && (named != "ID" || is_list), "`@id` on", "give the key the type `ID` or `ID!`");
    refuse(directives.index && is_list, "`@index` on", "remove it; lists have no index");
    refuse(directives.url && named != "String", "`@url` on", "remove it; only `String` and `[String]` hold URLs");
    refuse(
        directives.computed && field.ty.is_non_null(),
        "`@computed` on",
        "remove the `!`; the server may have no value",
    );
    if let Some(search) = &directives.search {
        refuse(
            named != "String" || directives.computed,
            "`@search` on",
            "remove it; only stored `String` and `[String]` are searched",
        );
        refuse(
            *search != SearchDirective::default(),
            "`@search` with arguments on",
            "remove the arguments; they belong on fields of Query",
        );
    }
    refuse(directives.computed && directives.id, "`@computed` on the key", "remove it; clients may give keys");
    if let Some(timestamp) = directives.timestamp {
        refuse(
            named != "DateTime" || is_list,
            "`@timestamp` on",
            "remove it, or give the property the type `DateTime`",
        );
        refuse(
            !timestamp.on_create && !timestamp.on_update,
            "`@timestamp` without an event on",
            "name CREATE, UPDATE or both",
        );
        refuse(
            field.ty.is_non_null() && !timestamp.on_create,
            "`@timestamp` without CREATE on",
            "add CREATE or remove the `!`; a new node would have no value",
        );
    }
}
