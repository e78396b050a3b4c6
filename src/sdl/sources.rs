//! The texts of a schema folder, from a disk or compiled in. Does not know what the texts say.

use std::path::{Path, PathBuf};

/// Folders in folders; past this a link is likely to lead back.
const DEPTH_MAX: usize = 16;

/// The files of one schema folder, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    root: String,
    files: Vec<(String, String)>,
}

/// Why a schema folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder, or one inside it, cannot be listed.
    #[error("cannot list the schema folder `{}`; check that it exists, is a folder and may be read", path.display())]
    UnreadableFolder {
        /// Path of the folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read the schema file `{}`; check its permissions", path.display())]
    UnreadableFile {
        /// Path of the file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file is not UTF-8.
    #[error("schema file `{}` is not UTF-8; save it as UTF-8", path.display())]
    NotUtf8 {
        /// Path of the file.
        path: PathBuf,
    },
    /// A path is not UTF-8, so no message could name it.
    #[error("path `{}` is not UTF-8; rename it", path.display())]
    PathNotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// Folders are nested too deeply.
    #[error("schema folder `{}` is nested more than {DEPTH_MAX} folders deep; look for a link that leads back", path.display())]
    TooDeep {
        /// Path of the innermost folder.
        path: PathBuf,
    },
    /// There is no schema file.
    #[error("schema folder `{path}` has no file that ends in .graphql, .graphqls or .gql")]
    NoFiles {
        /// Path of the folder.
        path: String,
    },
}

/// Reads `*.graphql`, `*.graphqls` and `*.gql` in the folder and the folders inside it, except names that start with a dot.
///
/// # Errors
///
/// If the folder is missing, has no such file, or anything in it cannot be read as UTF-8.
pub fn read_folder(path: impl AsRef<Path>) -> Result<Sources, Error> {
    let root = path.as_ref();
    let mut sources = Sources { root: text_of(root)?, files: Vec::new() };
    collect(root, "", 0, &mut sources.files)?;
    sources.finish()
}

impl Sources {
    /// Files compiled into the program, with paths relative to `folder`. `root` is how messages call the folder.
    ///
    /// # Errors
    ///
    /// If a file is not UTF-8 or there is none.
    pub fn from_embedded(root: &str, folder: &include_dir::Dir<'_>) -> Result<Self, Error> {
        let mut sources = Self { root: root.to_owned(), files: Vec::new() };
        collect_embedded(folder, &mut sources.files)?;
        sources.finish()
    }

    /// How messages call the folder; empty if it has no name.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Path relative to the folder (with `/`) and text of each file, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn finish(mut self) -> Result<Self, Error> {
        if self.files.is_empty() {
            return Err(Error::NoFiles { path: self.root });
        }
        self.files.sort();
        Ok(self)
    }
}

impl<P: Into<String>, T: Into<String>> FromIterator<(P, T)> for Sources {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        let mut files: Vec<(String, String)> =
            files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        files.sort();
        Self { root: String::new(), files }
    }
}

fn collect(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<(String, String)>) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(Error::TooDeep { path: folder.to_owned() });
    }
    let unreadable = |source| Error::UnreadableFolder { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let name = text_of(name.as_ref())?;
        // Mounted configuration folders keep their versions in hidden folders (`..data`) and link to them.
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{relative}/"), depth + 1, files)?;
        } else if is_schema_file(&path) {
            files.push((relative, read(&path)?));
        }
    }
    Ok(())
}

fn collect_embedded(folder: &include_dir::Dir<'_>, files: &mut Vec<(String, String)>) -> Result<(), Error> {
    for file in folder.files().filter(|file| is_schema_file(file.path())) {
        let Some(text) = file.contents_utf8() else {
            return Err(Error::NotUtf8 { path: file.path().to_owned() });
        };
        files.push((text_of(file.path())?.replace('\\', "/"), text.to_owned()));
    }
    for inner in folder.dirs() {
        collect_embedded(inner, files)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::UnreadableFile { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|_| Error::NotUtf8 { path: path.to_owned() })
}

fn text_of(path: &Path) -> Result<String, Error> {
    path.to_str().map(str::to_owned).ok_or_else(|| Error::PathNotUtf8 { path: path.to_owned() })
}

fn is_schema_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "graphql" || extension == "graphqls" || extension == "gql")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("clef-sdl-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn files_are_found_in_inner_folders_and_sorted_by_path() {
        let path = folder("sorted");
        std::fs::create_dir_all(path.join("types/.hidden")).unwrap();
        for (file, text) in [
            ("z.graphql", "1"),
            ("types/b.gql", "2"),
            ("a.graphqls", "3"),
            ("readme.md", "no"),
            ("types/.hidden/c.graphql", "no"),
        ] {
            std::fs::write(path.join(file), text).unwrap();
        }
        let sources = read_folder(&path).unwrap();
        let found: Vec<_> = sources.iter().collect();
        assert_eq!(found, [("a.graphqls", "3"), ("types/b.gql", "2"), ("z.graphql", "1")]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = read_folder("/no/such/folder").unwrap_err();
        assert!(error.to_string().starts_with("cannot list the schema folder `/no/such/folder`"), "{error}");
    }

    #[test]
    fn an_empty_folder_is_an_error() {
        assert!(matches!(read_folder(folder("empty")), Err(Error::NoFiles { .. })));
    }

    #[test]
    fn a_file_that_is_not_utf8_is_named() {
        let path = folder("latin1");
        std::fs::write(path.join("a.graphql"), b"# caf\xe9").unwrap();
        let error = read_folder(&path).unwrap_err();
        assert!(error.to_string().contains("a.graphql` is not UTF-8"), "{error}");
    }

    #[test]
    fn embedded_texts_are_sorted_by_path() {
        let sources: Sources = [("b.graphql", "2"), ("a.graphql", "1")].into_iter().collect();
        assert_eq!(sources.iter().next(), Some(("a.graphql", "1")));
    }
}
