// Package rego decides by policies in Rego, the language of the Open Policy Agent, evaluated in this process. What is asked has the
// form that the OPA plugin for Apache Kafka sends, so that its users' policies run as they are; an evaluation is bounded in time, and
// whatever goes wrong in it denies. Decisions are cached by exactly what the policies can see of a question, until they change.
package rego
