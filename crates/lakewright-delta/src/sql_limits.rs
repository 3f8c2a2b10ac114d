//! Limits on the size of conditions and queries in SQL.
//!
//! DataFusion and deltalake visit expressions and plans recursively, also on threads whose stack is
//! small, and a stack that overflows ends the process. Planning runs on a large stack
//! (`large_stack.rs`); what would need even more, there or while the plan runs, is refused before
//! it is parsed.

use arrow::datatypes::{DataType, Field, Fields};
use deltalake::datafusion::sql::sqlparser::dialect::GenericDialect;
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use deltalake::kernel::EagerSnapshot;
use lakewright_core::{Error, ErrorKind, Result};

/// The greatest length of a text. A list of the greatest length has 100 bytes for each item.
const MAX_BYTES: usize = 1 << 20;

/// The greatest depth of an expression or plan. A worker of Tokio has a stack of 2 MiB, and in a
/// debug build a level takes up to 4 KiB of it where a plan is evaluated. The time of planning grows
/// with the square of the depth.
const MAX_DEPTH: usize = 250;

/// The greatest number of items in a list. deltalake converts `IN` to a chain of `OR` to find the
/// files that it needs, and visits it on the large stack.
const MAX_ITEMS: usize = 10_000;

/// The properties of a table under which constraints are kept.
const CONSTRAINTS: &str = "delta.constraints.";

/// The metadata of a column that is SQL.
const OF_COLUMNS: [&str; 2] = ["delta.invariants", "delta.generationExpression"];

/// Checks a condition or query.
///
/// # Errors
/// `InvalidInput` where it is too long or too deep, or has too long a list. Text that is no SQL is left to the
/// parser.
pub(crate) fn check(sql: &str) -> Result<()> {
    if sql.len() > MAX_BYTES {
        return Err(Error::invalid_input(format!(
            "the SQL has {} bytes, and {MAX_BYTES} are possible; join with a table of the values \
             instead, or ask several times",
            sql.len()
        )));
    }
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    let Size { depth, items } = measure(&tokens);
    if items > MAX_ITEMS {
        return Err(Error::invalid_input(format!(
            "the SQL has a list of {items} items, and {MAX_ITEMS} are possible; join with a table \
             of the values instead, or ask several times"
        )));
    }
    if depth > MAX_DEPTH {
        return Err(Error::invalid_input(format!(
            "the SQL has expressions or queries in up to {depth} levels within each other, and \
             {MAX_DEPTH} are possible; an IN list can replace many comparisons"
        )));
    }
    Ok(())
}

/// Checks the SQL in the log of a table, which a write to it evaluates.
///
/// # Errors
/// `Corrupt` where [`check`] refuses it.
pub(crate) fn check_table(table: &EagerSnapshot) -> Result<()> {
    let properties = table.metadata().configuration().iter();
    let mut constraints = properties.filter(|(name, _)| name.starts_with(CONSTRAINTS));
    constraints.try_for_each(|(name, sql)| check_logged(name, sql))?;
    check_columns(table.arrow_schema().fields())
}

fn check_columns(columns: &Fields) -> Result<()> {
    columns.iter().try_for_each(|column| check_column(column))
}

fn check_column(column: &Field) -> Result<()> {
    for name in OF_COLUMNS {
        if let Some(sql) = column.metadata().get(name) {
            check_logged(name, sql)?;
        }
    }
    match column.data_type() {
        DataType::Struct(fields) => check_columns(fields),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            check_column(item)
        }
        _ => Ok(()),
    }
}

fn check_logged(name: &str, sql: &str) -> Result<()> {
    check(sql).map_err(|error| {
        let why = format!("{name} in the log of the table is too large: {}", error.message());
        Error::new(ErrorKind::Corrupt, why)
    })
}

/// Upper bounds for the tree that a text is parsed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    /// The depth of expressions and plans.
    depth: usize,
    /// The number of items of the longest list.
    items: usize,
}

/// The text between two parentheses, or between `CASE` and `END`, as far as it was read. It consists
/// of items, and these of operands of `AND` and `OR`, which bind more weakly than all other operators.
#[derive(Default)]
struct Level {
    /// The operators and keywords of the current operand. Each may be the parent of those before it.
    operators: usize,
    /// The depth of the deepest level inside of the current operand.
    inside: usize,
    /// The depth of the deepest operand of the current item.
    operands: usize,
    /// The number of `AND` and `OR` in the current item.
    junctions: usize,
    /// The depth of the deepest item.
    deepest: usize,
    /// The number of joins, set operations and clauses, each of which may be the parent of those
    /// before it.
    plans: usize,
    /// The number of commas.
    commas: usize,
    /// Whether the items are tables, which are joined.
    tables: bool,
}

impl Level {
    fn end_operand(&mut self) {
        self.operands = self.operands.max(self.operators + self.inside);
        (self.operators, self.inside) = (0, 0);
    }

    fn end_item(&mut self) {
        self.end_operand();
        self.deepest = self.deepest.max(self.operands + self.junctions);
        (self.operands, self.junctions) = (0, 0);
    }

    fn size(mut self) -> Size {
        self.end_item();
        Size { depth: self.deepest + self.plans + 1, items: self.commas + 1 }
    }
}

/// Measures a text without recursion and without parsing it.
fn measure(tokens: &[Token]) -> Size {
    let (mut outer, mut level) = (Vec::new(), Level::default());
    let mut items = 0;
    let mut close = |level: &mut Level, next| {
        let ended = std::mem::replace(level, next).size();
        level.inside = level.inside.max(ended.depth);
        items = items.max(ended.items);
    };
    for token in tokens {
        match classify(token) {
            Meaning::Leaf => {}
            Meaning::Operator => level.operators += 1,
            Meaning::Junction => {
                level.end_operand();
                level.junctions += 1;
            }
            Meaning::Comma => {
                level.end_item();
                level.commas += 1;
                level.plans += usize::from(level.tables);
            }
            Meaning::Branch => level.end_item(),
            Meaning::Clause { of_tables } => {
                level.end_item();
                level.plans += 1;
                level.tables = of_tables;
            }
            Meaning::Plan => {
                level.end_item();
                level.plans += 1;
            }
            Meaning::Open => outer.push(std::mem::take(&mut level)),
            // Where nothing was opened, the text is no SQL, and the parser refuses it.
            Meaning::Close => close(&mut level, outer.pop().unwrap_or_default()),
        }
    }
    while let Some(next) = outer.pop() {
        close(&mut level, next);
    }
    let Size { depth, items: last } = level.size();
    Size { depth, items: items.max(last) }
}

/// The part that a token has in the size of a text.
enum Meaning {
    /// A token without operands.
    Leaf,
    /// A token that may be the parent of all before it in the same operand.
    Operator,
    /// `AND` or `OR`.
    Junction,
    /// The end of an item of a list.
    Comma,
    /// The end of a branch of `CASE`.
    Branch,
    /// The beginning of a clause of a query.
    Clause {
        /// Whether the clause is a list of tables.
        of_tables: bool,
    },
    /// A join of tables, or of queries as by `UNION`.
    Plan,
    /// An opening parenthesis, or `CASE`.
    Open,
    /// A closing parenthesis, or `END`.
    Close,
}

fn classify(token: &Token) -> Meaning {
    match token {
        Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Period
        | Token::EOF => Meaning::Leaf,
        Token::LParen | Token::LBracket | Token::LBrace => Meaning::Open,
        Token::RParen | Token::RBracket | Token::RBrace => Meaning::Close,
        Token::Comma | Token::SemiColon => Meaning::Comma,
        Token::Word(word) => match word.keyword {
            Keyword::NoKeyword => Meaning::Leaf,
            Keyword::AND | Keyword::OR => Meaning::Junction,
            Keyword::CASE => Meaning::Open,
            Keyword::END => Meaning::Close,
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => Meaning::Branch,
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN => Meaning::Plan,
            Keyword::FROM => Meaning::Clause { of_tables: true },
            Keyword::SELECT | Keyword::WHERE | Keyword::GROUP | Keyword::ORDER => {
                Meaning::Clause { of_tables: false }
            }
            _ => Meaning::Operator,
        },
        _ => Meaning::Operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(sql: &str) -> Size {
        measure(&Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap())
    }

    #[test]
    fn chains_and_nesting_are_deep_and_lists_are_not() {
        assert_eq!(size("x > 0"), Size { depth: 2, items: 1 });
        assert_eq!(size("a + b + c + d").depth, 4);
        assert_eq!(size("a = 1 OR b = 2 OR c = 3").depth, 1 + 2 + 1);
        assert_eq!(size("f(a + b, c, d) + 1").depth, 1 + 1 + 2);
        assert_eq!(size("((((a))))").depth, 5);
        assert_eq!(size("a IN (1, 2, -3, 4)"), Size { depth: 1 + 2 + 1, items: 4 });
        let cases = format!("CASE {} END", "WHEN id = 1 THEN 2 ".repeat(1000));
        assert!(size(&cases).depth < 10, "{:?}", size(&cases));
        let nested = format!("{}1{}", "CASE WHEN a THEN b ELSE ".repeat(100), " END".repeat(100));
        assert!(size(&nested).depth > 100);
        let union = format!("SELECT 1, 2{}", " UNION ALL SELECT 1, 2".repeat(100));
        assert!(size(&union).depth > 100, "{:?}", size(&union));
        let joined = format!("SELECT 1 FROM t{}", ", t".repeat(100));
        assert!(size(&joined).depth > 100, "{:?}", size(&joined));
        let distinct = format!("1{}", " IS DISTINCT FROM 1".repeat(100));
        assert!(size(&distinct).depth > 100, "{:?}", size(&distinct));
        let columns = format!("SELECT a{} FROM t", ", a + 1".repeat(1000));
        assert!(size(&columns).depth < 10, "{:?}", size(&columns));
    }

    #[test]
    fn closing_without_opening_hides_nothing() {
        for closing in [")", " END ", "]"] {
            let chain = format!("1{}{closing}{}", " + 1".repeat(50), " + 1".repeat(50));
            assert!(size(&chain).depth > 100, "{chain}: {:?}", size(&chain));
        }
        assert!(size(&"(".repeat(100)).depth > 100);
    }

    #[test]
    fn a_limit_is_named_in_the_message() {
        let list = |count: usize| format!("id IN ({})", vec!["1"; count].join(", "));
        check(&list(MAX_ITEMS)).unwrap();
        let error = check(&list(MAX_ITEMS + 1)).unwrap_err();
        assert!(error.message().contains("10001 items"), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(check(&" ".repeat(MAX_BYTES + 1)).unwrap_err().message().contains("1048577 bytes"));
        let error = check(&vec!["1"; 2 * MAX_DEPTH].join(" + ")).unwrap_err();
        assert!(error.message().contains("500 levels"), "{error}");
    }
}
