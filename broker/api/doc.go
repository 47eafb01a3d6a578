// Package api gives the shape of one row of the API table: which versions an API has, who may send it before log-in, how
// large it may be, what it needs to be allowed, and who answers it. The rows themselves are in broker/handler; the server
// serves nothing that has no row.
package api
