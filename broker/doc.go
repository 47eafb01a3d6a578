// Package broker wires the parts together: it formats data directories, and starts and stops a broker. Nothing else imports two
// rooms to connect them.
package broker
