//! The words and signs of InfluxQL.

use super::ast::Op;
use super::error::Position;

/// What kind of thing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A character that begins nothing, or a comment without end.
    Illegal,
    /// The end of the text.
    End,
    /// Blanks, tabs and line ends.
    Space,
    /// `-- ...` or `/* ... */`.
    Comment,
    /// A bare or double-quoted name.
    Ident,
    /// `$name` that no parameter replaced.
    BoundParam,
    /// A number with a point.
    Number,
    /// A number without a point.
    Integer,
    /// Digits followed by letters.
    Duration,
    /// A single-quoted text.
    String,
    /// A quoted text that does not end on its line.
    BadString,
    /// A quoted text with an unknown escape.
    BadEscape,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `/.../`, read only where the grammar asks for it.
    Regex,
    /// A regular expression that does not end on its line.
    BadRegex,
    /// An operator; `AND` and `OR` among them.
    Op(Op),
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `;`
    Semicolon,
    /// `.`
    Dot,
    /// A reserved word.
    Key(Keyword),
}

impl Token {
    /// How InfluxDB names the token when it has no text of its own.
    fn name(self) -> &'static str {
        match self {
            Self::Illegal => "ILLEGAL",
            Self::End => "EOF",
            Self::Space => "WS",
            Self::Ident => "IDENT",
            Self::Number => "NUMBER",
            Self::Duration => "DURATIONVAL",
            Self::String => "STRING",
            Self::BadString => "BADSTRING",
            Self::BadEscape => "BADESCAPE",
            Self::True => "TRUE",
            Self::False => "FALSE",
            Self::Regex => "REGEX",
            Self::Comment | Self::BoundParam | Self::Integer | Self::BadRegex => "",
            Self::Op(op) => op.text(),
            Self::OpenParen => "(",
            Self::CloseParen => ")",
            Self::Comma => ",",
            Self::Colon => ":",
            Self::DoubleColon => "::",
            Self::Semicolon => ";",
            Self::Dot => ".",
            Self::Key(keyword) => keyword.text(),
        }
    }

    /// The reserved word `word` is, in any case; a name when it is none.
    pub(super) fn of_word(word: &str) -> Self {
        if let Some((keyword, _)) = KEYWORDS.iter().find(|(_, text)| text.eq_ignore_ascii_case(word)) {
            return Self::Key(*keyword);
        }
        match word.to_ascii_lowercase().as_str() {
            "and" => Self::Op(Op::And),
            "or" => Self::Op(Op::Or),
            "true" => Self::True,
            "false" => Self::False,
            _ => Self::Ident,
        }
    }
}

/// A token with its place and, where the kind does not say everything, its text without quotes and escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) token: Token,
    pub(super) at: Position,
    pub(super) text: String,
}

impl Scanned {
    pub(super) fn new(token: Token, at: Position, text: impl Into<String>) -> Self {
        Self {
            token,
            at,
            text: text.into(),
        }
    }

    /// The token as error messages show it.
    pub(super) fn shown(&self) -> &str {
        if self.text.is_empty() {
            self.token.name()
        } else {
            &self.text
        }
    }
}

/// A reserved word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    All,
    Alter,
    Analyze,
    Any,
    As,
    Asc,
    Begin,
    By,
    Cardinality,
    Create,
    Continuous,
    Database,
    Databases,
    Default,
    Delete,
    Desc,
    Destinations,
    Diagnostics,
    Distinct,
    Drop,
    Duration,
    End,
    Every,
    Exact,
    Explain,
    Field,
    For,
    From,
    Grant,
    Grants,
    Group,
    Groups,
    In,
    Inf,
    Insert,
    Into,
    Key,
    Keys,
    Kill,
    Limit,
    Measurement,
    Measurements,
    Name,
    Offset,
    On,
    Order,
    Password,
    Policy,
    Policies,
    Privileges,
    Queries,
    Query,
    Read,
    Replication,
    Resample,
    Retention,
    Revoke,
    Select,
    Series,
    Set,
    Show,
    Shard,
    Shards,
    Slimit,
    Soffset,
    Stats,
    Subscription,
    Subscriptions,
    Tag,
    To,
    User,
    Users,
    Values,
    Where,
    With,
    Write,
}

/// Every reserved word with its text, in the order of [`Keyword`].
const KEYWORDS: [(Keyword, &str); 76] = [
    (Keyword::All, "ALL"),
    (Keyword::Alter, "ALTER"),
    (Keyword::Analyze, "ANALYZE"),
    (Keyword::Any, "ANY"),
    (Keyword::As, "AS"),
    (Keyword::Asc, "ASC"),
    (Keyword::Begin, "BEGIN"),
    (Keyword::By, "BY"),
    (Keyword::Cardinality, "CARDINALITY"),
    (Keyword::Create, "CREATE"),
    (Keyword::Continuous, "CONTINUOUS"),
    (Keyword::Database, "DATABASE"),
    (Keyword::Databases, "DATABASES"),
    (Keyword::Default, "DEFAULT"),
    (Keyword::Delete, "DELETE"),
    (Keyword::Desc, "DESC"),
    (Keyword::Destinations, "DESTINATIONS"),
    (Keyword::Diagnostics, "DIAGNOSTICS"),
    (Keyword::Distinct, "DISTINCT"),
    (Keyword::Drop, "DROP"),
    (Keyword::Duration, "DURATION"),
    (Keyword::End, "END"),
    (Keyword::Every, "EVERY"),
    (Keyword::Exact, "EXACT"),
    (Keyword::Explain, "EXPLAIN"),
    (Keyword::Field, "FIELD"),
    (Keyword::For, "FOR"),
    (Keyword::From, "FROM"),
    (Keyword::Grant, "GRANT"),
    (Keyword::Grants, "GRANTS"),
    (Keyword::Group, "GROUP"),
    (Keyword::Groups, "GROUPS"),
    (Keyword::In, "IN"),
    (Keyword::Inf, "INF"),
    (Keyword::Insert, "INSERT"),
    (Keyword::Into, "INTO"),
    (Keyword::Key, "KEY"),
    (Keyword::Keys, "KEYS"),
    (Keyword::Kill, "KILL"),
    (Keyword::Limit, "LIMIT"),
    (Keyword::Measurement, "MEASUREMENT"),
    (Keyword::Measurements, "MEASUREMENTS"),
    (Keyword::Name, "NAME"),
    (Keyword::Offset, "OFFSET"),
    (Keyword::On, "ON"),
    (Keyword::Order, "ORDER"),
    (Keyword::Password, "PASSWORD"),
    (Keyword::Policy, "POLICY"),
    (Keyword::Policies, "POLICIES"),
    (Keyword::Privileges, "PRIVILEGES"),
    (Keyword::Queries, "QUERIES"),
    (Keyword::Query, "QUERY"),
    (Keyword::Read, "READ"),
    (Keyword::Replication, "REPLICATION"),
    (Keyword::Resample, "RESAMPLE"),
    (Keyword::Retention, "RETENTION"),
    (Keyword::Revoke, "REVOKE"),
    (Keyword::Select, "SELECT"),
    (Keyword::Series, "SERIES"),
    (Keyword::Set, "SET"),
    (Keyword::Show, "SHOW"),
    (Keyword::Shard, "SHARD"),
    (Keyword::Shards, "SHARDS"),
    (Keyword::Slimit, "SLIMIT"),
    (Keyword::Soffset, "SOFFSET"),
    (Keyword::Stats, "STATS"),
    (Keyword::Subscription, "SUBSCRIPTION"),
    (Keyword::Subscriptions, "SUBSCRIPTIONS"),
    (Keyword::Tag, "TAG"),
    (Keyword::To, "TO"),
    (Keyword::User, "USER"),
    (Keyword::Users, "USERS"),
    (Keyword::Values, "VALUES"),
    (Keyword::Where, "WHERE"),
    (Keyword::With, "WITH"),
    (Keyword::Write, "WRITE"),
];

impl Keyword {
    /// The word in upper case.
    pub(super) fn text(self) -> &'static str {
        KEYWORDS[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_order_of_the_words() {
        for (place, (keyword, text)) in KEYWORDS.iter().enumerate() {
            assert_eq!(*keyword as usize, place, "{text}");
            assert_eq!(Token::of_word(&text.to_lowercase()), Token::Key(*keyword));
        }
        assert_eq!(Token::of_word("aNd"), Token::Op(Op::And));
        assert_eq!(Token::of_word("cpu"), Token::Ident);
    }
}
