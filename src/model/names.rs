//! Every name that is generated from names of the schema, in one place.

/// `_PersonInput`: how a node is named in relation mutations.
pub fn key_input(ty: &str) -> String {
    ["_", ty, "Input"].concat()
}

/// `_PersonFilter`.
pub fn filter(ty: &str) -> String {
    ["_", ty, "Filter"].concat()
}

/// `_PersonOrdering`.
pub fn ordering(ty: &str) -> String {
    ["_", ty, "Ordering"].concat()
}

/// `name_asc`.
pub fn ascending(field: &str) -> String {
    [field, "_asc"].concat()
}

/// `name_desc`.
pub fn descending(field: &str) -> String {
    [field, "_desc"].concat()
}

/// `CreatePerson`.
pub fn node_mutation(action: &str, ty: &str) -> String {
    [action, ty].concat()
}

/// `AddPersonMemberOf`.
pub fn relation_mutation(action: &str, ty: &str, field: &str) -> String {
    [action, ty, &capitalized(field)].concat()
}

/// `_AddPersonMemberOfPayload`.
pub fn relation_payload(action: &str, ty: &str, field: &str) -> String {
    ["_", &relation_mutation(action, ty, field), "Payload"].concat()
}

/// `Mutation:Person:Create`.
pub fn node_scope(action: &str, ty: &str) -> String {
    ["Mutation:", ty, ":", action].concat()
}

/// `Mutation:PersonMemberOf:Add`.
pub fn relation_scope(action: &str, ty: &str, field: &str) -> String {
    ["Mutation:", ty, &capitalized(field), ":", action].concat()
}

/// Scope of a declared mutation. A name such as `RequestControlAction` is an action and a type, `Mutation:ControlAction:Request`;
/// any other name is a type of its own with the action `Execute`.
pub fn declared_scope(field: &str) -> String {
    let tail = field.get(1..).unwrap_or_default();
    let split = tail.find(|character: char| !character.is_ascii_lowercase()).map(|at| at + 1);
    if let Some(at) = split.filter(|at| *at > 1 && field.starts_with(|first: char| first.is_ascii_uppercase()))
        && let (Some(action), Some(ty)) = (field.get(..at), field.get(at..))
        && ty.len() > 1
        && ty.starts_with(|first: char| first.is_ascii_uppercase())
    {
        return node_scope(action, ty);
    }
    node_scope("Execute", field)
}

/// The subscription to what happens to nodes.
pub const NODE_CHANGED: &str = "nodeChanged";
/// What it answers.
pub const NODE_CHANGE: &str = "_NodeChange";
/// The union of all object types.
pub const NODE: &str = "_Node";
/// The enum of all object types and interfaces.
pub const NODE_TYPE: &str = "_NodeType";
/// The enum of what happens to nodes.
pub const NODE_ACTION: &str = "_NodeAction";

/// First letter in upper case.
pub fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `Query:Person:Read`.
pub fn read_scope(ty: &str) -> String {
    ["Query:", ty, ":Read"].concat()
}

/// `Subscription:ThingCreateMutation:Receive`.
pub fn subscription_scope(field: &str) -> String {
    ["Subscription:", field, ":Receive"].concat()
}

#[cfg(test)]
mod tests {
    use super::declared_scope;

    #[test]
    fn a_declared_mutation_gets_a_scope_whatever_its_name() {
        for (field, scope) in [
            ("RequestControlAction", "Mutation:ControlAction:Request"),
            ("importAll", "Mutation:importAll:Execute"),
            ("Import", "Mutation:Import:Execute"),
            ("X", "Mutation:X:Execute"),
            ("Do_It", "Mutation:Do_It:Execute"),
        ] {
            assert_eq!(declared_scope(field), scope);
        }
    }
}
