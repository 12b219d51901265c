/** The request bodies of the scaffold's examples. */
export const sms = {
  from: '+12016661234',
  to: '+18045551234',
  type: 'sms' as const,
  body: 'Hello! This is a test SMS message.',
  attachments: null,
  timestamp: '2024-11-01T14:00:00Z',
};
export const mms = { ...sms, type: 'mms' as const, attachments: ['https://example.com/image.jpg'] };
export const email = {
  from: 'user@usehatchapp.com',
  to: 'contact@gmail.com',
  body: 'Hello! This is a test email message with <b>HTML</b> formatting.',
  attachments: [] as string[],
  timestamp: '2024-11-01T14:00:00Z',
};
export const inboundSms = {
  from: '+18045551234',
  to: '+12016661234',
  type: 'sms' as const,
  messaging_provider_id: 'message-1',
  body: 'This is an incoming SMS message',
  attachments: null,
  timestamp: '2024-11-01T14:00:00Z',
};
export const inboundMms = {
  ...inboundSms,
  type: 'mms' as const,
  messaging_provider_id: 'message-2',
  attachments: ['https://example.com/received-image.jpg'],
};
export const inboundEmail = {
  from: 'contact@gmail.com',
  to: 'user@usehatchapp.com',
  xillio_id: 'message-3',
  body: '<html><body>html is <b>allowed</b></body></html>',
  attachments: ['https://example.com/d.pdf'],
  timestamp: '2024-11-01T14:00:00Z',
};
