package stream

import (
	"context"
	"errors"

	"greenroom/models"
	"greenroom/session"
)

var (
	errInterrupted  = &fault{CodeInterrupted, "an interrupt cancelled the speech"}
	errSessionEnded = &fault{CodeSessionEnded, "the session has ended"}
)

// carryOut does what a command asks for, and gives the frame that answers it. sent is called when
// a speech is on its way, and its audio needed no more.
func (c *conn) carryOut(cmd *command, sent func()) any {
	if cmd.fault != nil {
		return c.failed(cmd.id, cmd.fault)
	}
	err := context.Cause(cmd.ctx) // it may have been cancelled while it waited
	if err == nil && cmd.kind == typeSpeak {
		var samples int
		speech := session.Speech{Audio: cmd.speak.audio, SampleRate: cmd.speak.sampleRate, Text: cmd.speak.text, Sent: sent}
		if samples, err = c.server.cfg.Sessions.Speak(cmd.ctx, c.session(cmd.ctx), speech); err == nil {
			return speakConfirmed{"agent.speak.confirmed", samples, cmd.id}
		}
	} else if err == nil {
		if err = c.server.cfg.Sessions.Interrupt(cmd.ctx, c.session(cmd.ctx)); err == nil {
			return interruptConfirmed{"agent.interrupt.confirmed", cmd.id}
		}
	}
	if cause := context.Cause(cmd.ctx); cause != nil {
		err = cause
	} else if errors.Is(err, session.ErrRelayLost) && c.hasEnded(cmd.ctx) {
		err = errSessionEnded
	}
	return c.failed(cmd.id, err)
}

// session is the session that a command is for. Whoever has just been told that it is started may
// speak before this stream has heard of it: then the database knows.
func (c *conn) session(ctx context.Context) *models.Session {
	latest := c.latest.Load()
	if latest.Status() == models.StatusCreated {
		if present, err := c.server.cfg.Sessions.Session(ctx, c.sessionID); err == nil {
			return present
		}
	}
	return latest
}

// hasEnded asks the database: at its session's end the avatar leaves at once, and that may be seen
// before the end is told. The telling cancels the command, but not the question.
func (c *conn) hasEnded(ctx context.Context) bool {
	present, err := c.server.cfg.Sessions.Session(context.WithoutCancel(ctx), c.sessionID)
	return err == nil && present.EndedAt != nil
}

// failed is the answer to a command that was not carried out. An avatar server's own code is
// handed on. What nobody foresaw is logged, and to the client one thing only is sure: the
// command may not have reached the avatar.
func (c *conn) failed(id *string, err error) failure {
	why := fault{CodeRelayLost, "the command could not be delivered"}
	if known, ok := errors.AsType[*fault](err); ok {
		why = *known
	} else if refused, ok := errors.AsType[*session.CommandError](err); ok {
		why = fault{Code(refused.Code), refused.Message}
	} else if refused, ok := errors.AsType[*models.Error](err); ok {
		why = fault{Code(refused.Kind), refused.Message}
	} else if c.ctx.Err() == nil {
		c.server.cfg.Log.Error("a command of a stream failed", "session", c.sessionID, "error", err)
	}
	return failure{"error", string(why.code), why.text, id}
}
