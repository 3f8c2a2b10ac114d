//! The status of a creation that accepts an existing resource.

/// The status of a creation that accepts an existing resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The call created the resource.
    Created,
    /// The resource exists, and the server refused to create it again. It may be the work of an
    /// earlier attempt of the same call whose response was lost.
    Exists,
    /// The resource exists, and the server's response does not tell since when.
    CreatedOrExists,
}

impl Creation {
    /// Returns the word in the output of commands: `created`, `exists` or `created_or_exists`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Exists => "exists",
            Self::CreatedOrExists => "created_or_exists",
        }
    }

    /// Returns the text for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::CreatedOrExists => "created, or existed already",
            known => known.as_str(),
        }
    }
}
