//! Compiles queries: `WITH`, `UNION`, SELECT and its clauses.

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, LimitClause, OrderByKind, OrderBySort, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, WildcardAdditionalOptions,
};

use super::Type;
use super::compiler::{Compiler, Cte, Output, alias_name, common, name_columns, refuse};
use super::error::{QueryError, Result};
use super::scope::{Place, Scope, Source, Typed, unrecognized};
use super::value::Value;

/// A compiled SELECT, still open for `ORDER BY`.
struct Open {
    sql: String,
    outputs: Vec<Output>,
    /// The SELECT list, by which `ORDER BY` may go.
    list: Vec<Typed>,
    sources: Vec<Source>,
    /// The grouping expressions, if it is grouped.
    groups: Option<Vec<String>>,
    distinct: bool,
}

impl Compiler<'_> {
    /// Compiles a query. Its columns are `c0` and so on in SQLite.
    pub(super) fn query(&mut self, query: &ast::Query) -> Result<(String, Vec<Output>)> {
        self.step(|this| {
            let visible = this.ctes.len();
            let aggregated = std::mem::replace(&mut this.aggregated, false);
            let result = this.query_inner(query);
            this.aggregated = aggregated;
            this.ctes.truncate(visible);
            result
        })
    }

    fn query_inner(&mut self, query: &ast::Query) -> Result<(String, Vec<Output>)> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse(fetch.is_some(), "FETCH")?;
        refuse(!locks.is_empty() || for_clause.is_some(), "FOR")?;
        refuse(
            settings.is_some() || format_clause.is_some(),
            "SETTINGS or FORMAT",
        )?;
        refuse(!pipe_operators.is_empty(), "Pipe syntax")?;
        let mut sql = String::new();
        if let Some(with) = with {
            sql.push_str(&self.with(with)?);
        }
        let outputs = if let SetExpr::Select(select) = body.as_ref() {
            let open = self.select(select)?;
            sql.push_str(&open.sql);
            if let Some(order) = order_by {
                sql.push_str(&self.order_by(order, &open)?);
            }
            open.outputs
        } else {
            let (text, outputs) = self.set(body)?;
            sql.push_str(&text);
            if let Some(order) = order_by {
                sql.push_str(&order_by_output(order, &outputs)?);
            }
            outputs
        };
        if let Some(limit) = limit_clause {
            sql.push_str(&self.limit(limit)?);
        }
        Ok((sql, outputs))
    }

    fn with(&mut self, with: &ast::With) -> Result<String> {
        refuse(with.recursive, "WITH RECURSIVE")?;
        let mut texts = Vec::new();
        let first = self.ctes.len();
        for cte in &with.cte_tables {
            let ast::Cte {
                alias,
                query,
                from,
                materialized,
                closing_paren_token: _,
            } = cte;
            refuse(
                from.is_some() || materialized.is_some() || !alias.columns.is_empty(),
                "This form of WITH",
            )?;
            let name = alias_name(&alias.name)?;
            if self
                .ctes
                .iter()
                .skip(first)
                .any(|other| other.name.eq_ignore_ascii_case(&name))
            {
                return Err(QueryError::new(format!(
                    "Duplicate alias {name} for WITH subquery"
                )));
            }
            let (sql, outputs) = self.query(query)?;
            let sql_name = self.alias('w');
            texts.push(format!("{sql_name} AS ({sql})"));
            self.ctes.push(Cte {
                name,
                sql: sql_name,
                columns: name_columns(outputs),
            });
        }
        Ok(format!("WITH {} ", texts.join(", ")))
    }

    /// A `UNION` of SELECTs, or a query in parentheses.
    fn set(&mut self, body: &SetExpr) -> Result<(String, Vec<Output>)> {
        self.step(|this| match body {
            SetExpr::Select(select) => this.select(select).map(|open| (open.sql, open.outputs)),
            SetExpr::Query(query) => {
                let (sql, outputs) = this.query(query)?;
                Ok((format!("SELECT * FROM ({sql})"), outputs))
            }
            SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } => {
                let word = match set_quantifier {
                    SetQuantifier::All => "UNION ALL",
                    SetQuantifier::Distinct => "UNION",
                    SetQuantifier::None => {
                        return Err(QueryError::new("Syntax error: Expected keyword ALL or keyword DISTINCT after UNION"));
                    }
                    _ => return Err(QueryError::unsupported("UNION BY NAME")),
                };
                // Each side in its own SELECT: SQLite's UNIONs go from left to right, whatever the parentheses.
                let (one, outputs) = this.set(left)?;
                let (two, others) = this.set(right)?;
                if outputs.len() != others.len() {
                    return Err(QueryError::new(format!(
                        "Queries in UNION have mismatched column count; query 1 has {} columns, query 2 has {} columns",
                        outputs.len(),
                        others.len()
                    )));
                }
                for (place, (one, two)) in outputs.iter().zip(&others).enumerate() {
                    if one.1 != two.1 {
                        return Err(QueryError::new(format!(
                            "Column {} in UNION has incompatible types: {}, {}",
                            place + 1,
                            one.1.sql_name(),
                            two.1.sql_name()
                        )));
                    }
                }
                Ok((format!("SELECT * FROM ({one}) {word} SELECT * FROM ({two})"), outputs))
            }
            SetExpr::SetOperation { op, .. } => Err(QueryError::unsupported(op)),
            SetExpr::Values(_) => Err(QueryError::unsupported("VALUES")),
            SetExpr::Table(_) => Err(QueryError::unsupported("TABLE")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(QueryError::unsupported("A statement that changes data"))
            }
        })
    }

    fn select(&mut self, select: &ast::Select) -> Result<Open> {
        let ast::Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        refuse(*flavor != SelectFlavor::Standard, "FROM before SELECT")?;
        refuse(
            !optimizer_hints.is_empty() || select_modifiers.is_some(),
            "A hint",
        )?;
        refuse(
            top.is_some() || exclude.is_some() || into.is_some(),
            "TOP, EXCLUDE or INTO",
        )?;
        refuse(
            !lateral_views.is_empty() || prewhere.is_some() || !connect_by.is_empty(),
            "This clause",
        )?;
        refuse(
            !cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty(),
            "This ordering",
        )?;
        refuse(!named_window.is_empty() || qualify.is_some(), "A window function")?;
        refuse(value_table_mode.is_some(), "SELECT AS STRUCT or AS VALUE")?;
        let distinct = match distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(QueryError::unsupported("DISTINCT ON")),
        };
        let (from_sql, sources) = self.from(from)?;
        let scope = |place| Scope {
            sources: &sources,
            place,
            aliases: &[],
            alias_wins: false,
        };
        let condition = match selection {
            Some(condition) => {
                let typed = self.expression(condition, scope(Place::Rows("WHERE clause")))?;
                format!(" WHERE {}", boolean_clause("WHERE", typed)?)
            }
            None => String::new(),
        };
        self.aggregated = false;
        let (mut outputs, mut list) = self.projection(projection, &sources, Place::Survey)?;
        let list_aggregated = self.aggregated;
        let grouping = self.group_by(group_by, &sources, &outputs, &list)?;
        let mut groups = None;
        if list_aggregated || grouping.is_some() || having.is_some() {
            let by = grouping.unwrap_or_default();
            (outputs, list) = self.projection(projection, &sources, Place::Groups(&by))?;
            groups = Some(by);
        }
        let mut sql = String::from(if distinct { "SELECT DISTINCT " } else { "SELECT " });
        let items: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(n, item)| format!("{} AS c{n}", item.sql))
            .collect();
        sql.push_str(&items.join(", "));
        sql.push_str(&from_sql);
        sql.push_str(&condition);
        if let Some(by) = groups.as_ref().filter(|by| !by.is_empty()) {
            sql.push_str(" GROUP BY ");
            sql.push_str(&by.join(", "));
        }
        if let (Some(having), Some(by)) = (having, &groups) {
            let aliases = aliases(&outputs, &list);
            let scope = Scope {
                sources: &sources,
                place: Place::Groups(by),
                aliases: &aliases,
                alias_wins: false,
            };
            self.aggregated = false;
            let typed = self.expression(having, scope)?;
            if by.is_empty() && !self.aggregated && !list_aggregated {
                return Err(QueryError::new(
                    "The HAVING clause requires GROUP BY or aggregation to be present",
                ));
            }
            sql.push_str(&format!(" HAVING {}", boolean_clause("HAVING", typed)?));
        }
        Ok(Open {
            sql,
            outputs,
            list,
            sources,
            groups,
            distinct,
        })
    }

    fn projection(
        &mut self,
        items: &[SelectItem],
        sources: &[Source],
        place: Place<'_>,
    ) -> Result<(Vec<Output>, Vec<Typed>)> {
        let scope = Scope {
            sources,
            place,
            aliases: &[],
            alias_wins: false,
        };
        let mut outputs = Vec::new();
        let mut list = Vec::new();
        for item in items {
            let (name, expr) = match item {
                SelectItem::UnnamedExpr(expr) => (implied_name(expr), expr),
                SelectItem::ExprWithAlias { expr, alias } => (Some(alias_name(alias)?), expr),
                SelectItem::ExprWithAliases { .. } => {
                    return Err(QueryError::unsupported("More than one alias"));
                }
                SelectItem::Wildcard(options) => {
                    if sources.is_empty() {
                        return Err(QueryError::new("SELECT * must have a FROM clause"));
                    }
                    self.wildcard(sources, options, scope, &mut outputs, &mut list)?;
                    continue;
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let name = name.to_string().replace('`', "");
                    let source = scope.source(&name).ok_or_else(|| unrecognized(&name))?;
                    self.wildcard(
                        std::slice::from_ref(source),
                        options,
                        scope,
                        &mut outputs,
                        &mut list,
                    )?;
                    continue;
                }
                SelectItem::QualifiedWildcard(..) => return Err(QueryError::unsupported("This form of *")),
            };
            let typed = self.expression(expr, scope)?;
            outputs.push((name, typed.kind.unwrap_or(Type::Integer)));
            list.push(typed);
        }
        Ok((outputs, list))
    }

    fn wildcard(
        &mut self,
        sources: &[Source],
        options: &WildcardAdditionalOptions,
        scope: Scope<'_>,
        outputs: &mut Vec<Output>,
        list: &mut Vec<Typed>,
    ) -> Result<()> {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        refuse(
            opt_ilike.is_some() || opt_exclude.is_some() || opt_rename.is_some(),
            "This form of *",
        )?;
        refuse(opt_replace.is_some() || opt_alias.is_some(), "* REPLACE")?;
        let mut except: Vec<(&str, bool)> = Vec::new();
        if let Some(names) = opt_except {
            let all = std::iter::once(&names.first_element).chain(&names.additional_elements);
            except.extend(all.map(|ident| (ident.value.as_str(), false)));
        }
        for column in sources.iter().flat_map(|source| &source.columns) {
            if let Some((_, used)) = except
                .iter_mut()
                .find(|(name, _)| column.name.eq_ignore_ascii_case(name))
            {
                *used = true;
                continue;
            }
            let typed = self.offered(column, scope)?;
            // The columns of a value table have no name of their own in a result.
            let name = Some(column.name.clone()).filter(|name| !name.is_empty());
            outputs.push((name, column.kind));
            list.push(typed);
        }
        match except.iter().find(|(_, used)| !used) {
            Some((name, _)) => Err(QueryError::new(format!(
                "Column {name} in SELECT * EXCEPT list does not exist"
            ))),
            None if list.is_empty() => Err(QueryError::new(
                "SELECT * expands to zero columns after applying EXCEPT",
            )),
            None => Ok(()),
        }
    }

    /// The grouping expressions; none when there is no `GROUP BY`.
    fn group_by(
        &mut self,
        group_by: &GroupByExpr,
        sources: &[Source],
        outputs: &[Output],
        list: &[Typed],
    ) -> Result<Option<Vec<String>>> {
        let GroupByExpr::Expressions(items, modifiers) = group_by else {
            return Err(QueryError::unsupported("GROUP BY ALL"));
        };
        refuse(!modifiers.is_empty(), "A modifier of GROUP BY")?;
        if items.is_empty() {
            return Ok(None);
        }
        let aliases = aliases(outputs, list);
        let rows = Scope {
            sources,
            place: Place::Rows("GROUP BY"),
            aliases: &aliases,
            alias_wins: true,
        };
        let mut by = Vec::new();
        for item in items {
            let typed = match (ordinal(item, list, "GROUP BY")?, item) {
                (Some(place), _) => list.get(place).cloned(),
                (None, Expr::Identifier(ident)) => rows.alias(&ident.value)?.cloned(),
                (None, _) => None,
            };
            let typed = match typed {
                // What the list holds was surveyed with aggregates let through.
                Some(typed) if contains_aggregate(&typed.sql) => {
                    return Err(QueryError::new(format!(
                        "{item} is an aggregate, which is not allowed in GROUP BY"
                    )));
                }
                Some(typed) => typed,
                None => self.expression(item, Scope { aliases: &[], ..rows })?,
            };
            if typed.constant {
                return Err(QueryError::new("Cannot GROUP BY literal values"));
            }
            by.push(typed.sql);
        }
        Ok(Some(by))
    }

    fn order_by(&mut self, order: &ast::OrderBy, open: &Open) -> Result<String> {
        let aliases = aliases(&open.outputs, &open.list);
        let place = match &open.groups {
            Some(groups) => Place::Groups(groups),
            None => Place::Rows("ORDER BY of a query without GROUP BY"),
        };
        let scope = Scope {
            sources: &open.sources,
            place,
            aliases: &aliases,
            alias_wins: true,
        };
        let mut terms = Vec::new();
        for (expr, direction) in order_terms(order)? {
            let place = match (ordinal(expr, &open.list, "ORDER BY")?, expr) {
                (Some(place), _) => Some(place),
                (None, Expr::Identifier(ident)) => match scope.alias(&ident.value)? {
                    Some(typed) => open.list.iter().position(|item| item == typed),
                    None => None,
                },
                (None, _) => None,
            };
            let place = match place {
                Some(place) => Some(place),
                None => {
                    let typed = self.expression(expr, scope)?;
                    if typed.constant {
                        // One value for all rows orders nothing, and SQLite would take a number for a column.
                        continue;
                    }
                    let place = open.list.iter().position(|item| item.sql == typed.sql);
                    if place.is_none() && open.distinct {
                        return Err(QueryError::new(format!(
                            "ORDER BY clause expression references {expr} which is not visible after SELECT DISTINCT"
                        )));
                    }
                    if place.is_none() {
                        terms.push(format!("{}{direction}", typed.sql));
                    }
                    place
                }
            };
            if let Some(place) = place {
                terms.push(format!("{}{direction}", place + 1));
            }
        }
        Ok(if terms.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", terms.join(", "))
        })
    }

    fn limit(&mut self, clause: &LimitClause) -> Result<String> {
        let LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        } = clause
        else {
            return Err(QueryError::new("Syntax error: Unexpected \",\" in LIMIT"));
        };
        refuse(!limit_by.is_empty(), "LIMIT BY")?;
        let Some(limit) = limit else {
            return Err(QueryError::new(
                "Syntax error: Unexpected keyword OFFSET without LIMIT",
            ));
        };
        let mut sql = format!(" LIMIT {}", self.count(limit, "LIMIT")?);
        if let Some(offset) = offset {
            sql.push_str(&format!(" OFFSET {}", self.count(&offset.value, "OFFSET")?));
        }
        Ok(sql)
    }

    fn count(&self, expr: &Expr, clause: &str) -> Result<i64> {
        let bad = || {
            QueryError::new(format!(
                "{clause} expects a non-negative integer literal or parameter"
            ))
        };
        let Expr::Value(value) = expr else {
            return Err(bad());
        };
        match &value.value {
            ast::Value::Number(text, false) => text.parse().map_err(|_| bad()),
            ast::Value::Placeholder(text) => match self.placeholder(text, value.span)?.1 {
                bound if bound.kind == Type::Integer && !bound.array => match bound.value {
                    Value::Integer(value) if value >= 0 => Ok(value),
                    _ => Err(bad()),
                },
                _ => Err(bad()),
            },
            _ => Err(bad()),
        }
    }
}

/// Whether SQLite's SQL calls an aggregate: their names are in capitals, and no other text outside quotes is.
fn contains_aggregate(sql: &str) -> bool {
    let outside = sql.split('\'').step_by(2);
    outside.into_iter().any(|text| {
        ["COUNT(", "SUM(", "AVG(", "MIN(", "MAX("]
            .iter()
            .any(|name| text.contains(name))
    })
}

/// The SELECT list's names.
fn aliases(outputs: &[Output], list: &[Typed]) -> Vec<(String, Typed)> {
    let named = outputs.iter().zip(list);
    named
        .filter_map(|((name, _), typed)| Some((name.clone()?, typed.clone())))
        .collect()
}

/// The name that a column's expression lends its result.
fn implied_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        _ => None,
    }
}

/// The place in the SELECT list that a bare number stands for.
fn ordinal<T>(expr: &Expr, list: &[T], clause: &str) -> Result<Option<usize>> {
    let Expr::Value(value) = expr else {
        return Ok(None);
    };
    let ast::Value::Number(text, false) = &value.value else {
        return Ok(None);
    };
    match text
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1))
    {
        Some(place) if place < list.len() => Ok(Some(place)),
        _ => Err(QueryError::new(format!(
            "{clause} is out of SELECT column number range: {text} (the list has {})",
            list.len()
        ))),
    }
}

/// The terms of an `ORDER BY`, each with SQLite's direction. NULL is least in both, unless said otherwise.
fn order_terms(order: &ast::OrderBy) -> Result<Vec<(&Expr, &'static str)>> {
    refuse(order.interpolate.is_some(), "INTERPOLATE")?;
    let OrderByKind::Expressions(items) = &order.kind else {
        return Err(QueryError::unsupported("ORDER BY ALL"));
    };
    let mut terms = Vec::new();
    for item in items {
        refuse(item.with_fill.is_some(), "WITH FILL")?;
        let direction = match (&item.options.sort, item.options.nulls_first) {
            (None | Some(OrderBySort::Asc), None | Some(true)) => " ASC",
            (None | Some(OrderBySort::Asc), Some(false)) => " ASC NULLS LAST",
            (Some(OrderBySort::Desc), None | Some(false)) => " DESC",
            (Some(OrderBySort::Desc), Some(true)) => " DESC NULLS FIRST",
            (Some(OrderBySort::Using(_)), _) => return Err(QueryError::unsupported("ORDER BY USING")),
        };
        terms.push((&item.expr, direction));
    }
    Ok(terms)
}

/// The `ORDER BY` of a `UNION`, which sees its columns alone.
fn order_by_output(order: &ast::OrderBy, outputs: &[Output]) -> Result<String> {
    let mut terms = Vec::new();
    for (expr, direction) in order_terms(order)? {
        let named = |ident: &ast::Ident| {
            let same = |(name, _): &Output| {
                name.as_deref()
                    .is_some_and(|n| n.eq_ignore_ascii_case(&ident.value))
            };
            outputs
                .iter()
                .position(same)
                .ok_or_else(|| unrecognized(&ident.value))
        };
        let place = match (ordinal(expr, outputs, "ORDER BY")?, expr) {
            (Some(place), _) => place,
            (None, Expr::Identifier(ident)) => named(ident)?,
            (None, _) => return Err(QueryError::unsupported("ORDER BY an expression after UNION")),
        };
        terms.push(format!("{}{direction}", place + 1));
    }
    Ok(format!(" ORDER BY {}", terms.join(", ")))
}

fn boolean_clause(clause: &str, typed: Typed) -> Result<String> {
    match common([&typed]) {
        Ok(None | Some(Type::Boolean)) => Ok(typed.sql),
        _ => Err(QueryError::new(format!(
            "{clause} clause should return type BOOL, but returns type {}",
            typed.kind_name()
        ))),
    }
}
