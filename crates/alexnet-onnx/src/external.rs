//! The rules for data that a model keeps in another file.
//!
//! A model is untrusted: CVE-2022-25882, CVE-2024-27318 and CVE-2024-5187 all made readers open files outside the model's
//! folder. Here a location is a plain relative path below that folder, whatever the platform; links are for the caller
//! to refuse, who opens the file.

/// Errs with a sentence where `location` isn't a plain path below the model's folder.
///
/// Refused are: nothing, absolute paths, `..` and `.`, empty parts, backslashes, colons (drive letters, streams) and
/// control characters.
pub(crate) fn check_location(location: &str) -> Result<(), String> {
    let fault = |why: &str| {
        Err(format!(
            "location `{}` {why}: it must be a relative path inside the model's folder",
            location.escape_debug()
        ))
    };
    if location.is_empty() {
        return fault("is empty");
    }
    if location.len() > 1024 {
        return Err("the location is longer than 1024 bytes".into());
    }
    if location.contains(['\\', ':']) || location.chars().any(char::is_control) {
        return fault("has a backslash, a colon or a control character");
    }
    if location.starts_with('/') {
        return fault("is absolute");
    }
    match location.split('/').find(|part| matches!(*part, "" | "." | "..")) {
        Some(part) => fault(&format!("has the part `{part}`")),
        None => Ok(()),
    }
}
