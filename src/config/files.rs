//! Secrets that stand in files, as `JWT_SECRET_FILE` and its like name them. Knows not what they are for.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use secrecy::SecretString;

use super::Settings;
use super::problem::Problems;

/// More is no secret but a mistake.
const BYTES_MAX: u64 = 1 << 20;

/// Everybody may read, or others than the owner may write.
const LOOSE_MODE: u32 = 0o026;

impl Settings {
    /// Puts what stands in the files in place of the settings themselves.
    pub(super) fn read_files(&mut self, problems: &mut Problems, notices: &mut Vec<String>) {
        let settings = [
            ("DATABASE_URL_FILE", &self.database_url_file, &mut self.database_url),
            ("JWT_SECRET_FILE", &self.jwt_secret_file, &mut self.jwt_secret),
            ("JWT_AUTH_KEYS_FILE", &self.jwt_auth_keys_file, &mut self.jwt_auth_keys),
        ];
        for (variable, file, value) in settings {
            let Some(file) = file else {
                continue;
            };
            if value.is_some() {
                let plain = variable.trim_end_matches("_FILE");
                problems.push(variable, format!("is set, and {plain} is, too: remove one of them"));
                continue;
            }
            match read(file.trim()) {
                Ok((text, _)) if text.trim().is_empty() => {
                    problems.push(variable, format!("`{file}` is empty: write the value into it"));
                }
                Ok((text, mode)) => {
                    if mode & LOOSE_MODE != 0 {
                        let mode = mode & 0o777;
                        notices
                            .push(format!("{variable}: `{file}` has mode {mode:03o}: `chmod 600` keeps others away"));
                    }
                    *value = Some(SecretString::from(text.trim_end_matches(['\r', '\n'])));
                }
                Err(error) => problems.push(variable, format!("`{file}` cannot be used: {error}")),
            }
        }
    }

    /// Whether a secret or keys are configured, right or wrong.
    pub(super) fn has_credentials(&self) -> bool {
        self.jwt_secret.is_some()
            || self.jwt_auth_keys.is_some()
            || self.jwt_secret_file.is_some()
            || self.jwt_auth_keys_file.is_some()
    }

    /// Those that can change while the server runs.
    pub(super) fn credential_files(&self) -> Vec<PathBuf> {
        let files = [&self.jwt_secret_file, &self.jwt_auth_keys_file];
        files.into_iter().flatten().map(|file| PathBuf::from(file.trim())).collect()
    }
}

fn read(file: &str) -> io::Result<(String, u32)> {
    let file = File::open(file)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other("it has more than a megabyte"));
    }
    Ok((text, mode))
}
