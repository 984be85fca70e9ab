import type { Colour } from '../ui/Status'

/** What codes are called on the page. One that is newer than the page is shown as it is. */
const statuses: Record<string, [Colour, string]> = {
  CREATED: ['idle', 'Created'],
  STARTED: ['good', 'Started'],
  ENDED: ['done', 'Ended'],
}

const avatarStates: Record<string, [Colour, string]> = {
  WAITING: ['done', 'Waiting'],
  CONNECTING: ['busy', 'Connecting'],
  READY: ['good', 'Ready'],
  LOST: ['bad', 'Lost'],
  GONE: ['done', 'Gone'],
}

export const endReasons: Record<string, string> = {
  CLIENT_ENDED: 'Ended by a client',
  EXPIRED: 'Time used up',
  NEVER_STARTED: 'Never started',
  PARTICIPANTS_LEFT: 'Everybody left',
  AVATAR_LOST: 'Avatar lost',
  PROVISION_FAILED: 'No room could be made',
  OPERATOR_ENDED: 'Ended by the operator',
  QUOTA_EXHAUSTED: 'Minutes used up',
}

export const actors: Record<string, string> = {
  API_KEY: 'API key',
  ACCESS_TOKEN: 'Access token',
  AVATAR_SERVER: 'Avatar server',
  PARTICIPANT: 'Participant',
  SYSTEM: 'System',
  OPERATOR: 'Operator',
}

export const eventTypes: Record<string, string> = {
  CREATED: 'Created',
  ROOM_READY: 'Room ready',
  START_REQUESTED: 'Start requested',
  STARTED: 'Started',
  CLIENT_CONNECTED: 'Stream opened',
  CLIENT_LEFT: 'Stream closed',
  PARTICIPANT_JOINED: 'Participant joined',
  PARTICIPANT_LEFT: 'Participant left',
  AVATAR_LOST: 'Avatar lost',
  AVATAR_RECOVERED: 'Avatar recovered',
  METADATA_UPDATED: 'Metadata updated',
  ACCESS_TOKEN_ROTATED: 'Access token rotated',
  EXPIRING: 'About to expire',
  ENDED: 'Ended',
}

export const status = (code: string): [Colour, string] => statuses[code] ?? ['done', named(code)]
export const avatarState = (code: string): [Colour, string] => avatarStates[code] ?? ['done', named(code)]

/** `NEW_VALUE` as `New value`. */
export function named(code: string, words: Record<string, string> = {}): string {
  return words[code] ?? code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ')
}

/** Whether the avatar's state says something that the status does not. */
export function avatarMatters(session: { status: string; avatarState: string }): boolean {
  return session.avatarState === 'CONNECTING' || session.avatarState === 'LOST'
}
