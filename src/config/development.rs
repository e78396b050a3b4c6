//! Secret and API key for a server that was given none, made once and kept beside the database.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::TryCryptoRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::auth::Key;
use crate::scope::ScopeSet;

const FILE: &str = "development-keys.json";

const KEY_ID: &str = "dev";

/// What was made, and where it is kept.
#[derive(Clone, Debug)]
pub struct DevelopmentKeys {
    /// Readable by its owner only.
    pub file: PathBuf,
    /// Signs the tokens.
    pub secret: SecretString,
    /// Of the key `dev`.
    pub api_key: SecretString,
}

impl DevelopmentKeys {
    /// The id of the only key.
    pub fn id(&self) -> &'static str {
        KEY_ID
    }

    /// The key, good for everything.
    pub(super) fn auth_key(&self) -> Option<Key> {
        Some(Key::new(KEY_ID, self.api_key.clone(), ScopeSet::compile(&["*"]).ok()?))
    }
}

/// Why there are no such keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Folder or file.
    #[error("the development keys in `{}` cannot be read or written: let Clef write there, or set JWT_SECRET and JWT_AUTH_KEYS", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not what we wrote.
    #[error("`{}` does not hold development keys: remove it, and new ones are made", file.display())]
    Malformed {
        /// Which.
        file: PathBuf,
    },
    /// The machine has none to give.
    #[error("this machine gives no random numbers to make keys of")]
    Randomness,
}

/// The keys kept in `folder`; if there are none, new ones.
pub(super) fn keys(folder: &Path, random: &mut impl TryCryptoRng) -> Result<DevelopmentKeys, Error> {
    let file = folder.join(FILE);
    let with_file = |source| Error::Io { file: file.clone(), source };
    if !file.try_exists().map_err(with_file)? {
        let text = json!({
            "about": "Made by Clef for development. Remove this file to have new keys.",
            "jwtSecret": random_text("", random)?,
            "apiKey": random_text("clef_dev_", random)?,
        });
        write_new(&file, &format!("{text:#}\n")).map_err(with_file)?;
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(with_file)?;
    let text = fs::read_to_string(&file).map_err(with_file)?;
    parse(&text)
        .map(|(secret, api_key)| DevelopmentKeys { file: file.clone(), secret, api_key })
        .ok_or(Error::Malformed { file })
}

fn parse(text: &str) -> Option<(SecretString, SecretString)> {
    let value: Value = serde_json::from_str(text).ok()?;
    let secret = SecretString::from(value.get("jwtSecret")?.as_str()?);
    let api_key = SecretString::from(value.get("apiKey")?.as_str()?);
    let is_whole = super::secrets::weakness(&secret).is_none() && !api_key.expose_secret().is_empty();
    is_whole.then_some((secret, api_key))
}

/// Leaves a file alone that another server has made meanwhile.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // Whole or not at all: a reader must not find half of it.
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?.write_all(text.as_bytes())?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn random_text(prefix: &str, random: &mut impl TryCryptoRng) -> Result<String, Error> {
    let mut bytes = [0; 32];
    random.try_fill_bytes(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes.iter().fold(prefix.to_owned(), |text, byte| format!("{text}{byte:02x}")))
}
