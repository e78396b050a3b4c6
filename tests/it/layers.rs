//! The order of the modules: a module uses itself and those before it.

use std::path::{Path, PathBuf};

/// Every Rust file below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_module_uses_a_later_one() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = std::fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: Vec<&str> =
        map.lines().filter_map(|line| line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'))).collect();
    assert!(order.len() > 9, "src/lib.rs lists the modules: {order:?}");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let module = relative.split(['/', '.']).next().unwrap().to_owned();
        let Some(own) = order.iter().position(|known| *known == module) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for used in code
            .split("crate::")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        {
            if order.iter().position(|known| *known == used).is_some_and(|position| position > own) {
                wrong.push(format!("{relative} uses {used}, which comes after {module}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_storage_runs_statements_and_only_config_reads_the_environment() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if !relative.starts_with("storage") && (code.contains("sea_orm::") || code.contains("sqlx::")) {
            wrong.push(format!("{relative} speaks to the database"));
        }
        if !relative.starts_with("config") && code.contains("env::var") {
            wrong.push(format!("{relative} reads the environment"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scopes_are_a_library_of_their_own() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join("scope.rs")];
    sources(&src.join("scope"), &mut files);
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let foreign = text.split("crate::").skip(1).find(|rest| !rest.starts_with("scope::"));
        assert_eq!(foreign, None, "{} uses the rest of the crate", file.display());
        for library in ["async_graphql", "axum", "jsonwebtoken", "tokio", "std::fs", "std::env"] {
            assert!(!text.contains(library), "{} uses {library}", file.display());
        }
    }
}
