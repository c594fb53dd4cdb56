//! Users, privileges, running queries.

use super::super::ast::Op;
use super::super::ast::{CreateUser, Grant, KillQuery, Password, Privilege, SetPassword, Statement};
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::{Parsed, Parser, non_empty};

impl Parser<'_> {
    pub(super) fn create_user(&mut self) -> Parsed<Statement> {
        let name = self.ident()?;
        self.expect_key(Keyword::With)?;
        self.expect_key(Keyword::Password)?;
        let password = Password(self.string()?);
        let admin = self.accept_key(Keyword::With);
        if admin {
            self.expect_key(Keyword::All)?;
            self.expect_key(Keyword::Privileges)?;
        }
        Ok(Statement::CreateUser(CreateUser { name, password, admin }))
    }

    pub(super) fn set_password(&mut self) -> Parsed<Statement> {
        let name = self.ident()?;
        self.expect(Token::Op(Op::Eq), "=")?;
        let password = Password(self.string()?);
        Ok(Statement::SetPassword(SetPassword { name, password }))
    }

    pub(super) fn grant(&mut self) -> Parsed<Statement> {
        let privilege = self.privilege()?;
        Ok(match self.grant_or_admin(privilege, Keyword::To)? {
            Some(grant) => Statement::Grant(grant),
            None => Statement::GrantAdmin(self.ident()?),
        })
    }

    pub(super) fn revoke(&mut self) -> Parsed<Statement> {
        let privilege = self.privilege()?;
        Ok(match self.grant_or_admin(privilege, Keyword::From)? {
            Some(grant) => Statement::Revoke(grant),
            None => Statement::RevokeAdmin(self.ident()?),
        })
    }

    /// `ON database TO user`; `None` after `TO` alone, which only `ALL` may have. `to` is the word before the user.
    fn grant_or_admin(&mut self, privilege: Privilege, to: Keyword) -> Parsed<Option<Grant>> {
        let next = self.next();
        if next.token == Token::Key(Keyword::On) {
            let database = self.ident()?;
            self.expect_key(to)?;
            let user = self.ident()?;
            return Ok(Some(Grant {
                privilege,
                database,
                user,
            }));
        }
        if privilege != Privilege::All {
            return Err(ParseError::unexpected(&next, &["ON"]));
        }
        if next.token != Token::Key(to) {
            return Err(ParseError::unexpected(&next, &["ON", to.text()]));
        }
        Ok(None)
    }

    fn privilege(&mut self) -> Parsed<Privilege> {
        let next = self.next();
        match next.token {
            Token::Key(Keyword::Read) => Ok(Privilege::Read),
            Token::Key(Keyword::Write) => Ok(Privilege::Write),
            Token::Key(Keyword::All) => {
                self.accept_key(Keyword::Privileges);
                Ok(Privilege::All)
            }
            _ => Err(ParseError::unexpected(&next, &["READ", "WRITE", "ALL [PRIVILEGES]"])),
        }
    }

    pub(super) fn kill_query(&mut self) -> Parsed<Statement> {
        let id = self.unsigned()?;
        let host = if self.accept_key(Keyword::On) {
            non_empty(self.ident()?)
        } else {
            None
        };
        Ok(Statement::KillQuery(KillQuery { id, host }))
    }
}
